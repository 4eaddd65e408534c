package extauthz_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestTheExampleRefusesWhenInDoubt: what docs/forward-auth.md asks of Envoy is what examples/envoy says.
func TestTheExampleRefusesWhenInDoubt(t *testing.T) {
	text, err := os.ReadFile("../../examples/envoy/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	type filter struct {
		Name   string    `yaml:"name"`
		Config yaml.Node `yaml:"typed_config"`
	}
	var envoy struct {
		Resources struct {
			Listeners []struct {
				Chains []struct {
					Filters []filter `yaml:"filters"`
				} `yaml:"filter_chains"`
			} `yaml:"listeners"`
		} `yaml:"static_resources"`
	}
	if err = yaml.Unmarshal(text, &envoy); err != nil {
		t.Fatal(err)
	}
	var manager struct {
		RemoteAddress bool     `yaml:"use_remote_address"`
		MergeSlashes  bool     `yaml:"merge_slashes"`
		Slashes       string   `yaml:"path_with_escaped_slashes_action"`
		Upgrades      []any    `yaml:"upgrade_configs"`
		Filters       []filter `yaml:"http_filters"`
	}
	if err = envoy.Resources.Listeners[0].Chains[0].Filters[0].Config.Decode(&manager); err != nil {
		t.Fatal(err)
	}
	if !manager.RemoteAddress || manager.MergeSlashes || manager.Slashes != "REJECT_REQUEST" || len(manager.Upgrades) > 0 {
		t.Errorf("the connection manager: %+v", manager)
	}
	var asks map[string]any
	if err = manager.Filters[0].Config.Decode(&asks); err != nil {
		t.Fatal(err)
	}
	delete(asks, "@type")
	want := map[string]any{
		"transport_api_version": "V3", "failure_mode_allow": false, "status_on_error": map[string]any{"code": "ServiceUnavailable"}, "encode_raw_headers": true,
		"with_request_body": map[string]any{"max_request_bytes": 1 << 20, "pack_as_bytes": true, "allow_partial_message": false},
		"grpc_service":      map[string]any{"timeout": "1s", "envoy_grpc": map[string]any{"cluster_name": "sallyport_ext_authz"}},
	}
	if diff := cmp.Diff(want, asks); diff != "" {
		t.Errorf("the filter (-want +got):\n%s", diff)
	}
}
