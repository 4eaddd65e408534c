package peers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-21c57000/sallyport/internal/kit/program"
)

// inPage is what sdk/typescript does in a page: it signs the shared vectors with WebCrypto's own keys, and calls a gateway.
const inPage = `(async () => {
	const { createFetch, Key, sign, signatureBase } = await import(%q);
	const vectors = %s, files = %s, gateway = %q;
	const keys = await Promise.all(vectors.keys.map((file) => Key.from(file)));
	const body = (v) => v.body_base64 ? Uint8Array.from(atob(v.body_base64), (c) => c.charCodeAt(0)) : new TextEncoder().encode(v.body ?? '');
	const wrong = [];
	for (const v of vectors.signed) {
		const request = { method: v.method, authority: v.authority, target: v.target, body: body(v) };
		if (signatureBase(request, v.signature_input.replace('sig1=', ''), v.content_digest) !== v.base) wrong.push('base of ' + v.name);
		for (const key of keys) {
			const lines = await sign(request, key, { created: v.created, nonce: v.nonce });
			if (lines.Signature !== v.signatures[key.algorithm]) wrong.push(key.algorithm + ' of ' + v.name);
		}
	}
	const said = { wrong, vectors: vectors.signed.length, calls: {} };
	for (const file of files) {
		const gate = createFetch({ key: await Key.from(file), origin: gateway });
		const order = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } };
		for (const [name, ask] of Object.entries({ look: () => gate('/v1/accounts'), order: () => gate('/v1/orders', order) })) {
			try {
				const answer = await ask();
				said.calls[file.algorithm + ' ' + name] = answer.status + ' ' + ((await answer.json()).code ?? '');
			} catch (e) {
				said.calls[file.algorithm + ' ' + name] = e.name;
			}
		}
	}
	return JSON.stringify(said);
})()`

// inChromium runs the package for TypeScript in a real browser. Signing works there; the gate has no CORS and takes no signed request that says
// which page sent it: from the exchange's own origin looking passes, and nothing from any other.
func (h *hall) inChromium(t *testing.T) {
	folder := typescript(t)
	scripts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		http.FileServer(http.Dir(folder)).ServeHTTP(w, r)
	}))
	t.Cleanup(scripts.Close)
	shared, err := os.ReadFile(filepath.Join(repository, vectors))
	if err != nil {
		t.Fatal(err)
	}
	files, err := json.Marshal([]any{h.key(t, "native", "ed25519"), h.key(t, "native", "hmac-sha256")})
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(inPage, scripts.URL+"/dist/index.js", shared, files, h.Gateway)
	for _, row := range []struct{ name, page, look, order string }{
		{"from the exchange's own origin", h.Gateway + "/v1/market/all", "200 ", "401 key.in_browser"},
		{"from another origin", scripts.URL + "/package.json", "TypeError", "TypeError"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var got struct {
				Wrong   []string
				Vectors int
				Calls   map[string]string
			}
			if err := json.Unmarshal([]byte(page(t, row.page, script)), &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Wrong) > 0 || got.Vectors < 20 {
				t.Errorf("of %d vectors wrong: %v", got.Vectors, got.Wrong)
			}
			want := map[string]string{"ed25519 look": row.look, "ed25519 order": row.order, "hmac-sha256 look": row.look, "hmac-sha256 order": row.order}
			if diff := cmp.Diff(want, got.Calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// page opens an address in a fresh Chromium, and runs a script there that ends in a text.
func page(t *testing.T, address, script string) (said string) {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		path = program.Missing(t, "chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	if _, err := chromedp.Run(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	if said, err = chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatal(err)
	}
	return said
}
