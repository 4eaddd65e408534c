package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"testing"
	"time"

	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/web"
)

// back shows the mailbox of a recovery, and claims the account with it alone.
func (b *browser) back(mail string) {
	b.t.Helper()
	b.get("/recover")
	b.submit("/recover", "mail", mail)
	b.stack.Settle()
	letters := b.stack.Mailbox.Letters(mail)
	b.submit("/recover/code", "code", letters[len(letters)-1].Code)
	b.follow()
	b.submit("/recover/claim")
}

// TestTheMailboxIsTriedOut: the page mails a code, takes it, and shows when; a code that is not typed is told of.
func TestTheMailboxIsTriedOut(t *testing.T) {
	s, clock := stack(t)
	ada := s.SignUp("ada@example.com")
	b := as(t, s, ada)
	b.get("/recovery")
	b.shows(http.StatusOK, "Your mailbox, last tried out", "nothing to rehearse with")
	b.submit("/recovery/rehearse/mailbox")
	b.leads("/recovery")
	b.follow()
	b.shows(http.StatusOK, "We mailed you a code", "A code was mailed")
	clock.Advance(11 * time.Minute)
	b.get("/recovery")
	b.shows(http.StatusOK, "Never entered")
	b.submit("/recovery/rehearse/mailbox")
	b.follow()
	s.Settle()
	letters := s.Mailbox.Letters(ada.Mail)
	b.submit("/recovery/rehearse", "proof", "mailbox", "code", "00000000")
	b.shows(http.StatusForbidden, says(fault.RecoveryProofRefused))
	b.submit("/recovery/rehearse", "proof", "mailbox", "code", letters[len(letters)-1].Code)
	b.leads("/recovery")
	b.follow()
	b.shows(http.StatusOK, "It works", "It worked", "Last rehearsal that failed")
	b.get("/activity")
	b.shows(http.StatusOK, "try out that you can read your mailbox", "You rehearsed a recovery")
}

// upload sends a form with a file as a browser does.
func (b *browser) upload(path string, file []byte, fields ...string) answer {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			b.t.Fatal(err)
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="evidence"; filename="../../me.png"`}, "Content-Type": {"text/html"},
	})
	if err == nil {
		_, err = part.Write(file)
	}
	if err != nil || w.Close() != nil {
		b.t.Fatal(err)
	}
	r := request(http.MethodPost, path, url.Values{})
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.ContentLength, r.Body = int64(body.Len()), io.NopCloser(&body)
	return b.send(r)
}

// field is the value of the first input of that name on the current page.
func (b *browser) field(name string) string {
	b.t.Helper()
	for _, input := range all(b.page.root, "input") {
		if get(input, "name") == name {
			return get(input, "value")
		}
	}
	b.t.Fatalf("no field %s: %s", name, b.page.text())
	return ""
}

// TestADisputedRecovery: whoever reads the page is told by when people decide, and brings what they decide by, without script.
func TestADisputedRecovery(t *testing.T) {
	s, _ := stack(t)
	ada := s.SignUp("ada@example.com")
	thief, owner := open(t, s), open(t, s)
	thief.back(ada.Mail)
	owner.back(ada.Mail)
	owner.follow()
	owner.shows(http.StatusOK, "People decide over this", "You have an answer by", "What happened", "An identity document", "Needed", "If you have it", "Give this recovery up")
	which := owner.field("recovery")
	token := owner.field("form_token")

	owner.submit("/recover/statement", "evidence", "I lost my phone on Monday.")
	owner.leads("/recover/case?recovery=" + which)
	owner.follow()
	owner.shows(http.StatusOK, "Received", "Deleted at the latest")

	at := "/recover/evidence?recovery=" + which
	owner.upload(at, []byte("<html>"), "form_token", token, "slot", "document")
	owner.shows(http.StatusUnprocessableEntity, says(fault.EvidenceRefused))
	owner.upload(at, []byte("\x89PNG\r\n\x1a\nrest"), "form_token", token, "slot", "document", "more", "1")
	owner.shows(http.StatusBadRequest, says(fault.RequestMalformed))
	owner.upload(at, []byte("\x89PNG\r\n\x1a\nrest"), "slot", "document")
	owner.shows(http.StatusForbidden, says(fault.RequestFormExpired))
	owner.upload(at, bytes.Repeat([]byte("x"), 5<<20), "form_token", token, "slot", "document")
	owner.shows(http.StatusRequestEntityTooLarge, says(fault.RequestTooLarge))
	owner.upload(at, []byte("\x89PNG\r\n\x1a\nrest"), "form_token", token, "slot", "document")
	owner.leads("/recover/case?recovery=" + which)

	// Only the browser that showed the mailbox is read.
	stranger := open(t, s)
	stranger.get("/recover")
	stranger.upload(at, []byte("\x89PNG\r\n\x1a\nrest"), "form_token", stranger.field("form_token"), "slot", "document")
	stranger.shows(http.StatusNotFound, says(fault.RecoveryUnknown))
}

// FuzzParseUpload: a form with a file is read as it was written, or refused as what it is.
func FuzzParseUpload(f *testing.F) {
	const kind = "multipart/form-data; boundary=b"
	f.Add(kind, []byte("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n"))
	f.Add(kind, []byte("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n\xff\r\n--b--\r\n"))
	f.Add("multipart/form-data", []byte("--b--"))
	f.Add("text/plain", []byte("a=1"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		values, file, err := web.ParseUpload([]string{contentType}, body)
		if err != nil {
			if code := fault.CodeOf(err); code != fault.RequestMediaType && code != fault.RequestMalformed {
				t.Errorf("%q of type %q is refused with %v", body, contentType, err)
			}
			return
		}
		size := len(file)
		for name, list := range values {
			for _, value := range list {
				size += len(value)
				if !bytes.Contains(body, []byte(value)) {
					t.Errorf("%q holds %q in %q, which was not sent", body, value, name)
				}
			}
		}
		if size > len(body) {
			t.Errorf("%d bytes became %d", len(body), size)
		}
	})
}
