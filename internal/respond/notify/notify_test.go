package notify_test

import (
	"encoding/json"
	"testing"

	"github.com/seed-21c57000/sallyport/internal/kit/authtest"
	"github.com/seed-21c57000/sallyport/internal/record/audit"
	"github.com/seed-21c57000/sallyport/internal/respond/notify"
)

// A notice that nobody could deliver is told to its user where they look.
func TestALetterThatIsGivenUpIsUnderActivity(t *testing.T) {
	s := authtest.Start(t)
	ada, eve := s.SignUp("ada@example.com"), s.SignUp("eve@example.com")
	fields, err := json.Marshal(notify.Delivery{Letter: notify.NewDevice, User: ada.User.ID})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Notices.GiveUp(t.Context(), fields); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*authtest.Person{ada, eve} {
		page, err := s.Log.Activity(t.Context(), p.Principal(), 0, 1)
		if err != nil || len(page) != 1 {
			t.Fatalf("%d events, %v", len(page), err)
		}
		told := page[0].Action == audit.MailGivenUp && page[0].Readable.Facts["letter"] == string(notify.NewDevice)
		if told != (p == ada) {
			t.Errorf("%s: %s %v", p.Mail, page[0].Action, page[0].Readable.Facts)
		}
	}
}
