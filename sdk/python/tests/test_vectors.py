"""The vectors that all languages share: what the Go package makes of these requests, this one makes too."""

from __future__ import annotations

import base64
import json
import pathlib
import unittest
from typing import Any

from sallyport import Key, KeyFileError, Signable, SignError, sign, signature_base

VECTORS: dict[str, Any] = json.loads((pathlib.Path(__file__).parents[3] / "spec/vectors/native.json").read_text(encoding="utf-8"))
KEYS = [Key.parse(file) for file in VECTORS["keys"]]


def request(v: dict[str, Any]) -> Signable:
    body = base64.b64decode(v["body_base64"]) if "body_base64" in v else v.get("body", "").encode()
    return Signable(v["method"], v["authority"], v["target"], body)


class Vectors(unittest.TestCase):
    def test_there_are_vectors(self) -> None:
        self.assertEqual([key.algorithm for key in KEYS], ["hmac-sha256", "ed25519"])
        self.assertGreaterEqual(len(VECTORS["signed"]), 20)
        self.assertGreaterEqual(len(VECTORS["refused"]), 50)

    def test_signed(self) -> None:
        for v in VECTORS["signed"]:
            digest = v.get("content_digest")
            with self.subTest(v["name"]):
                self.assertEqual(signature_base(request(v), v["signature_input"].removeprefix("sig1="), digest), v["base"])
            for key in KEYS:
                want = {"Signature-Input": v["signature_input"], "Signature": v["signatures"][key.algorithm]}
                with self.subTest(v["name"], key=key.algorithm):
                    self.assertEqual(sign(request(v), key, v["created"], v["nonce"]), want | ({"Content-Digest": digest} if digest else {}))

    def test_refused(self) -> None:
        for v in VECTORS["refused"]:
            with self.subTest(v["name"]), self.assertRaises(SignError) as refusal:
                sign(request(v), KEYS[0], 1)
            self.assertEqual(refusal.exception.reason, v["reason"], v["name"])

    def test_a_nonce_is_random_and_never_the_same(self) -> None:
        inputs = {sign(Signable("GET", "example.com", "/"), KEYS[0], 1)["Signature-Input"] for _ in range(3)}
        self.assertEqual(len(inputs), 3)
        for text in inputs:
            self.assertRegex(text, r';nonce="[A-Za-z0-9_-]{22}";')

    def test_a_nonce_or_a_time_that_the_gate_would_refuse(self) -> None:
        for created, nonce in ((1, "short"), (1, "a" * 65), (1, "a" * 20 + '"'), (1, "a" * 20 + "\n"), (-1, None), (10**10, None)):
            with self.subTest(created=created, nonce=nonce), self.assertRaises(SignError):
                sign(Signable("GET", "example.com", "/"), KEYS[0], created, nonce)

    def test_every_spelling_of_a_private_key(self) -> None:
        v = VECTORS["signed"][0]
        for text in VECTORS["private_keys"]:
            with self.subTest(text):
                key = Key.parse(VECTORS["keys"][1] | {"private_key": text})
                self.assertEqual(sign(request(v), key, v["created"], v["nonce"])["Signature"], v["signatures"]["ed25519"])
        for text in VECTORS["bad_private_keys"]:
            with self.subTest(text), self.assertRaises(KeyFileError):
                Key.parse(VECTORS["keys"][1] | {"private_key": text})


if __name__ == "__main__":
    unittest.main()
