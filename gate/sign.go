package gate

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// SignHS256 writes an assertion under a shared key. It is the reference encoder for tests of backends and for small tools;
// whoever holds the secret can do as much. It signs what it is given, complete or not.
func SignHS256(keyID string, secret []byte, c Claims) string {
	return compact("HS256", keyID, c, func(signed []byte) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write(signed)
		return mac.Sum(nil)
	})
}

// SignEdDSA is SignHS256 with the gateway's own kind of key.
func SignEdDSA(keyID string, private ed25519.PrivateKey, c Claims) string {
	return compact("EdDSA", keyID, c, func(signed []byte) []byte { return ed25519.Sign(private, signed) })
}

func compact(algorithm, keyID string, c Claims, signature func([]byte) []byte) string {
	header := struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
		KeyID     string `json:"kid"`
	}{algorithm, Type, keyID}
	token := appendPart(nil, mustJSON(header))
	token = append(token, '.')
	token = appendPart(token, mustJSON(c))
	mark := signature(token)
	token = append(token, '.')
	return string(appendPart(token, mark))
}

func appendPart(token, raw []byte) []byte { return base64.RawURLEncoding.AppendEncode(token, raw) }

// mustJSON encodes structs of strings and numbers, for which encoding/json has no error to give.
func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
