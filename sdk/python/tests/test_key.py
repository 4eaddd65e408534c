from __future__ import annotations

import copy
import json
import pathlib
import pickle
import subprocess
import sys
import tempfile
import traceback
import unittest
from typing import Any
from unittest import mock

import sallyport
from sallyport import HttpxAuth, Key, KeyFileError, RequestsAuth

ID = "spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp"
SECRET = "sps_test_5F3qm6skVUn5VxsuNWpGKFYIYhYkwY7XyZC8lD0ZBNA2iocvj"
SEED = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
HMAC: dict[str, Any] = {"key_id": ID, "algorithm": "hmac-sha256", "dialect": "native", "secret": SECRET}
ED25519: dict[str, Any] = {"key_id": ID, "algorithm": "ed25519", "dialect": "native", "private_key": SEED}


class KeyTest(unittest.TestCase):
    def test_whatever_prints_a_key_shows_its_id_at_most(self) -> None:
        for file in (HMAC, ED25519):
            key = Key.parse(json.dumps(file))
            for holder in (key, RequestsAuth(key, "https://example.com"), HttpxAuth(key, "https://example.com"), copy.copy(key)):
                printed = f"{holder} {holder!r} {[holder]} %s %r {getattr(holder, '__dict__', '')}" % (holder, holder)
                self.assertIn(ID, printed)
                for hidden in (SECRET, SECRET[9:], SEED, "\\x07\\x07"):
                    self.assertNotIn(hidden, printed)

    def test_a_key_is_not_pickled(self) -> None:
        for file in (HMAC, ED25519):
            with self.assertRaises((TypeError, AttributeError, pickle.PicklingError)):
                pickle.dumps(Key.parse(file))

    def test_a_key_is_read_from_its_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "key.json")
            path.write_text(json.dumps(HMAC | {"environment": "test", "scopes": ["orders:read"]}))
            self.assertEqual(repr(Key.read(path)), f"Key({ID})")

    def test_what_is_no_key_file_is_refused_without_quoting_it(self) -> None:
        files: dict[str, str | dict[str, Any]] = {
            "no JSON": SECRET,
            "null": "null",
            "text": f'"{SECRET}"',
            "other dialect": HMAC | {"dialect": "upbit"},
            "no dialect": {"key_id": ID, "algorithm": "hmac-sha256", "secret": SECRET},
            "no id": HMAC | {"key_id": ""},
            "an id with a quote": HMAC | {"key_id": 'a"b'},
            "an id with a line end": HMAC | {"key_id": "a\n"},
            "a long id": HMAC | {"key_id": "x" * 256},
            "no secret": HMAC | {"secret": None},
            "no private key": ED25519 | {"private_key": None},
            "a secret as private key": ED25519 | {"private_key": SECRET},
            "other algorithm": HMAC | {"algorithm": "ed448"},
        }
        for name, file in files.items():
            with self.subTest(name), self.assertRaises(KeyFileError) as refusal:
                Key.parse(file)
            self.assertNotIn(SECRET[9:], "".join(traceback.format_exception(refusal.exception)))

    def test_a_key_may_lie_elsewhere(self) -> None:
        self.assertEqual(Key(ID, "hmac-sha256", lambda message: message[::-1]).sign(b"abc"), b"cba")


class Imports(unittest.TestCase):
    def test_nothing_is_imported_before_it_is_needed(self) -> None:
        program = f"import sys, sallyport; sallyport.Key.parse({HMAC!r}); print({{'cryptography', 'httpx', 'requests'}} & set(sys.modules))"
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        self.assertEqual(said.stdout, "set()\n")

    def test_ed25519_without_its_library_says_what_to_do(self) -> None:
        with mock.patch.dict(sys.modules, {"cryptography.hazmat.primitives.asymmetric.ed25519": None}):
            with self.assertRaisesRegex(KeyFileError, r"pip install 'sallyport\[ed25519\]'"):
                Key.parse(ED25519)

    def test_an_unknown_name(self) -> None:
        with self.assertRaises(AttributeError):
            getattr(sallyport, "Nothing")


if __name__ == "__main__":
    unittest.main()
