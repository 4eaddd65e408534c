package gateway

import "net/http"

// CleanRequest is what every request loses before it goes on.
func CleanRequest(h http.Header) { cleanRequest(h) }
