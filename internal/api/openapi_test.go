package api_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/seed-21c57000/sallyport/internal/api"
	"github.com/seed-21c57000/sallyport/internal/httpx/route"
)

func TestDescriptionIsCurrent(t *testing.T) {
	got, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../../spec/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run make generate:\n%s", diff)
	}
}

func TestDescriptionIsServed(t *testing.T) {
	d := open(t)
	raw, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := yaml.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	// Through JSON, so that both sides have its kinds of numbers.
	again, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	clear(want)
	if err := json.Unmarshal(again, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, d.fresh().get("/v1/openapi.json").want(200, "").body); diff != "" {
		t.Errorf("spec/openapi.yaml and what is served (-file +served):\n%s", diff)
	}
}

// Whatever a caller must know is said: each operation has words, each member of a body a description or an example.
func TestDescriptionSaysWhatThingsAre(t *testing.T) {
	o := open(t).api.Description()
	ids := map[string]bool{}
	for _, l := range route.Of("api") {
		op := operationOf(o, l)
		if op.Summary == "" || op.Description == "" || op.OperationID == "" || ids[op.OperationID] {
			t.Errorf("%s: id %q, summary %q, about %q", l.Name(), op.OperationID, op.Summary, op.Description)
		}
		ids[op.OperationID] = true
		if len(op.Responses) < 2 {
			t.Errorf("%s says nothing of refusals", l.Name())
		}
	}
	for name, schema := range o.Components.Schemas.Map() {
		for member, s := range schema.Properties {
			said := s.Description != "" || len(s.Examples) > 0 || len(s.Enum) > 0 || s.Ref != "" || s.Format == "date-time" || s.Items != nil
			if !said {
				t.Errorf("%s.%s has neither words nor an example", name, member)
			}
		}
	}
}
