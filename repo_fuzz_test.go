package sallyport_test

import (
	"go/ast"
	"strings"
	"testing"
)

// fuzzed lists every parser of strangers' bytes and the target that fuzzes it: folder, parser, target, and what the bytes are. A parser that is
// not exported is named as its tests reach it.
var fuzzed = []struct{ folder, parser, target, bytes string }{
	{"internal/respond/official", "Judge", "FuzzJudge", "links and senders that somebody pasted"},
	{"internal/httpx", "Cookie", "FuzzCookie", "cookies"},
	{"internal/httpx", "Language", "FuzzLanguage", "the language asked for"},
	{"internal/httpx", "Chain", "FuzzClientAddress", "the client's address in headers"},
	{"internal/httpx", "ParseState", "FuzzParseState", "states of browsers on their way to a gateway host"},
	{"internal/httpx", "DecodeJSON", "FuzzDecodeJSON", "JSON bodies"},
	{"internal/web", "ParseForm", "FuzzParseForm", "posted forms"},
	{"internal/web", "ParseUpload", "FuzzParseUpload", "posted forms with a file"},
	{"internal/web", "OpenCarried", "FuzzOpenCarried", "forms that waited for a proof"},
	{"internal/agent", "Describe", "FuzzDescribe", "user agents"},

	{"internal/kernel/id", "Parse", "FuzzParse", "ids"},
	{"internal/kernel/id", "ParseKey", "FuzzParseKey", "key ids"},
	{"internal/kernel/scope", "ParseString", "FuzzParseString", "scopes"},

	{"sign", "Parse", "FuzzParseNative", "signature fields of the native profile"},
	{"sign", "Parse", "FuzzParseUpbit", "tokens of Upbit's and Bithumb's dialects"},
	{"sign", "Parse", "FuzzParseBinance", "parameters that carry a signature"},
	{"sign", "Parse", "FuzzParseKraken", "bodies that carry a nonce"},
	{"sign", "Parse", "FuzzParseOKX", "signature headers of OKX's dialect"},
	{"sign", "Parse", "FuzzParseBybit", "signature headers of Bybit's dialect"},
	{"sign", "Parse", "FuzzParseKuCoin", "signature headers of KuCoin's dialect"},
	{"sign", "Parse", "FuzzParseCoinbase", "tokens of Coinbase's dialect"},
	{"sign", "Headers", "FuzzAgainstHTTPSig", "signature bases, against another implementation"},
	{"sign", "CheckPath", "FuzzCheckPath", "paths"},
	{"sign", "CheckBody", "FuzzUpbitBody", "signed bodies"},
	{"sign", "CheckBody", "FuzzUpbitQuery", "signed queries"},
	{"sign", "ParsePublicKey", "FuzzParsePublicKey", "public keys"},
	{"internal/respond/leak", "ReadReport", "FuzzReadReport", "reports of found secrets"},
	{"internal/prove/lab", "Read", "FuzzRead", "requests that somebody pasted"},
	{"internal/prove/apikey", "Networks", "FuzzNetworks", "allowlists"},
	{"internal/prove/apikey", "ParseDestination", "FuzzDestination", "where a key may send money"},

	{"internal/prove/mailaddr", "Parse", "FuzzParse", "mail addresses"},
	{"internal/prove/password", "ParsePHC", "FuzzParsePHC", "password hashes, imported ones too"},
	{"internal/prove/password", "Check", "FuzzCheckAndStrength", "passwords"},
	{"internal/prove/totp", "Match", "FuzzMatch", "codes of authenticator apps"},
	{"internal/prove/recoverycode", "Parse", "FuzzParse", "recovery codes, and the codes of cases"},
	{"internal/prove/ceremony", "Open", "FuzzOpen", "ceremony tokens"},
	{"internal/prove/passkey", "FinishEnrol", "FuzzFinishEnrol", "WebAuthn answers at enrolment"},
	{"internal/prove/passkey", "FinishSignIn", "FuzzFinishSignIn", "WebAuthn answers at sign-in"},
	{"internal/prove/binding", "ParseProof", "FuzzParseProof", "proofs of devices"},
	{"internal/prove/passkey", "ParseMetadata", "FuzzParseMetadata", "blobs of authenticators' metadata"},
	{"internal/prove/session", "Authenticate", "FuzzAuthenticate", "bearers of sessions"},
	{"internal/prove/session", "RedeemChildCode", "FuzzChildPath", "child codes, and the path they lead to"},

	{"internal/gateway", "ParseRoutes", "FuzzParseRoutes", "routes files"},
	{"internal/gateway", "Match", "FuzzMatch", "paths against routes"},
	{"internal/gateway", "ReadOrder", "FuzzReadOrder", "orders of keys with a ceiling"},
	{"internal/gateway", "ReadTransaction", "FuzzReadTransaction", "requests that move money"},
	{"internal/gateway", "CleanRequest", "FuzzCleanRequest", "headers that go on to an upstream"},
	{"internal/gateway", "Do", "FuzzEnter", "the way in from the dashboard"},
	{"gate", "Parse", "FuzzParse", "assertions"},
	{"gate", "ParsePayload", "FuzzPayload", "claims of assertions"},

	{"internal/config", "Parse", "FuzzParse", "configuration files"},
	{"internal/sandbox", "ReadParams", "FuzzBody", "orders to the paper exchange"},
	{"internal/sandbox/money", "Parse", "FuzzParse", "amounts"},
}

// ownBytes are exported parsers that no stranger's bytes reach unparsed. Folder and name → whose they are.
var ownBytes = map[string]string{
	"client.ReadKeyFile":                      "the caller's own key file",
	"gate.ParseJWKS":                          "the gateway's key set, fetched by the backend that trusts it",
	"internal/gateway.ParsePlace":             "a host and one of two words of the operator's routes file; ParseRoutes asks it",
	"internal/httpx.ReadBody":                 "counts bytes and reads none of them",
	"internal/httpx.ReadSteadily":             "counts bytes and reads none of them",
	"internal/keyring.ReadFile":               "the operator's own key file",
	"internal/kernel/assurance.ParseLevel":    "a word of our own rows and claims; whatever else is the weakest level",
	"internal/kernel/assurance.ParseProperty": "a word of the operator's routes file (FuzzParseRoutes); whatever else is refused",
	"internal/kernel/id.ParseEnvironment":     "two words",
	"internal/kernel/principal.ParseRole":     "a word of our own rows; whatever else is no role",
	"internal/kernel/scope.Parse":             "ParseString asks it for each word",
	"internal/kernel/scope.ParseSet":          "ParseString asks it for all words",
	"internal/kernel/scope.ParseClass":        "a word of the operator's routes file; ParseRoutes asks it",
	"internal/respond/leak.ReadReporters":     "the operator's own file of public keys",
	"internal/record/audit.ParseHead":         "a line that the operator kept",
	"internal/sandbox/ledger.ParseID":         "the requests of FuzzBody reach it",
	"internal/prove/apikey.ReadUses":          "a fact that the same file wrote, of our own routes, codes and addresses",
	"sign.ParseAlgorithm":                     "five words",
	"sign.ParseBodyForm":                      "three words",
	"sign.ParseDialect":                       "nine words",
	"sign.ParsePrivateKey":                    "the holder's own key; FuzzParsePublicKey reads each text as one too",
	"sign.ParseQueryForm":                     "two words",
}

// TestStrangersBytesAreFuzzed: each parser has its target, in the same folder and calling it by name; each target is on the list; and nobody
// exports a parser that neither list knows.
func TestStrangersBytesAreFuzzed(t *testing.T) {
	listed, parsers := map[string]bool{}, map[string]bool{}
	for _, line := range fuzzed {
		listed[line.folder+"."+line.target] = true
		parsers[line.folder+"."+line.parser] = true
		switch file := fileOfTarget(line.folder, line.target); {
		case file == nil:
			t.Errorf("%s: nothing fuzzes %s: %s is missing", line.folder, line.bytes, line.target)
		case !mentions(file, line.parser):
			t.Errorf("%s: %s does not call %s", file.path, line.target, line.parser)
		}
	}
	for _, f := range goFiles() {
		for _, d := range functions(f) {
			name := f.folder + "." + d.Name.Name
			switch {
			case f.test && strings.HasPrefix(d.Name.Name, "Fuzz") && !listed[name]:
				t.Errorf("%s: %s is not on the list of what is fuzzed", f.path, d.Name.Name)
			case !f.test && parses(f, d) && !parsers[name] && ownBytes[name] == "":
				t.Errorf("%s: is %s fuzzed, and if not, whose bytes does it read?", f.path, d.Name.Name)
			}
		}
	}
	for name := range ownBytes {
		folder, parser, _ := strings.Cut(name, ".")
		if parsers[name] || !declares(folder, parser) {
			t.Errorf("%s is fuzzed or gone, and still excused", name)
		}
	}
}

func functions(f goFile) (list []*ast.FuncDecl) {
	for _, declaration := range f.Decls {
		if d, ok := declaration.(*ast.FuncDecl); ok {
			list = append(list, d)
		}
	}
	return list
}

// parses says whether a function looks like a parser of outside bytes: exported, not a method, called Parse or Read something.
func parses(f goFile, d *ast.FuncDecl) bool {
	if d.Recv != nil || f.generated || within(f.folder, "internal/kit", "spec", "cmd") {
		return false
	}
	return strings.HasPrefix(d.Name.Name, "Parse") || strings.HasPrefix(d.Name.Name, "Read") || strings.HasPrefix(d.Name.Name, "Decode")
}

func fileOfTarget(folder, target string) *goFile {
	for _, f := range goFiles() {
		if f.folder != folder || !f.test {
			continue
		}
		for _, d := range functions(f) {
			if d.Name.Name == target {
				return &f
			}
		}
	}
	return nil
}

// mentions says whether a file uses a name of another package, a field or a method.
func mentions(f *goFile, name string) bool {
	for node := range ast.Preorder(f.File) {
		if selector, ok := node.(*ast.SelectorExpr); ok && selector.Sel.Name == name {
			return true
		}
	}
	return false
}

func declares(folder, name string) bool {
	for _, f := range goFiles() {
		if f.folder == folder && !f.test {
			for _, d := range functions(f) {
				if d.Name.Name == name {
					return true
				}
			}
		}
	}
	return false
}
