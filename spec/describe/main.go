// Command describe writes spec/openapi.yaml, which package api makes from its own operations.
//
//	go run ./spec/describe
//
// It is run from the root of the repository by make generate, apart from spec/generate: that one writes files without which the doors do
// not compile.
package main

import (
	"fmt"
	"os"

	"github.com/seed-21c57000/sallyport/internal/api"
)

func main() {
	document, err := api.Document()
	if err == nil {
		err = os.WriteFile("spec/openapi.yaml", document, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "describe:", err)
		os.Exit(1)
	}
}
