package api

import "github.com/danielgtaylor/huma/v2"

// Description is what the door says of itself, for tests that hold answers against it.
func (a *API) Description() *huma.OpenAPI { return a.huma.OpenAPI() }
