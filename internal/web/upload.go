package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-21c57000/sallyport/internal/httpx"
	"github.com/seed-21c57000/sallyport/internal/kernel/fault"
	"github.com/seed-21c57000/sallyport/internal/respond/recovery"
)

// evidenceAt is the one form with a file, which phones may take a while to send.
const (
	evidenceAt   = "/recover/evidence"
	evidenceForm = recovery.MaxEvidence + 8<<10
	evidenceTime = time.Minute
	uploadType   = "multipart/form-data"
	// maxParts bounds the parts of a form with a file: more than any of ours has.
	maxParts = 8
)

// receiveEvidence reads a form with a file: only of a browser whose claim, named in the address, waits for it, and not of many at a time. Whether
// it still may is asked again when the file is kept.
func (v *visit) receiveEvidence() error {
	which, from, err := v.caseOf(v.r.URL.Query().Get("recovery"))
	if err != nil {
		return err
	}
	if v.release, err = v.web.Recoveries.Expect(v.r.Context(), from, which); err != nil {
		return err
	}
	if v.body, err = httpx.ReadSteadily(v.w, v.r, evidenceForm, evidenceTime, httpx.Upload); err != nil {
		return err
	}
	v.form, v.file, err = parseUpload(v.r.Header["Content-Type"], v.body)
	return err
}

// parseUpload reads a form with one file as strictly as parseForm reads others. The file is the part with a file's name, which is forgotten.
// Errors: request.media_type, request.malformed.
func parseUpload(contentType []string, body []byte) (f form, file []byte, err error) {
	if len(contentType) != 1 {
		return f, nil, fault.New(fault.RequestMediaType, "want", uploadType)
	}
	kind, params, err := mime.ParseMediaType(contentType[0])
	if err != nil || kind != uploadType || params["boundary"] == "" {
		return f, nil, fault.New(fault.RequestMediaType, "want", uploadType)
	}
	values := url.Values{}
	reader := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for parts := 0; ; parts++ {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return form{values}, file, nil
		}
		if err != nil || parts == maxParts {
			return f, nil, malformed("form")
		}
		content, err := io.ReadAll(part)
		switch {
		case err != nil:
			return f, nil, malformed("form")
		case part.FileName() != "" || part.Header.Get("Content-Type") != "":
			if file != nil {
				return f, nil, malformed("form_twice")
			}
			file = content
		case !utf8.Valid(content) || !utf8.ValidString(part.FormName()) || strings.ContainsRune(string(content), 0):
			return f, nil, malformed("form_text")
		default:
			values.Add(part.FormName(), string(content))
		}
	}
}
