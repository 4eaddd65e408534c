"""Keys, and the files in which their holders keep them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, final

Algorithm = Literal["hmac-sha256", "ed25519"]


class KeyFileError(ValueError):
    """A key file that cannot be read. The message never quotes what was in it."""


@final
class Key:
    """An API key that signs.

    Its secret lies in a function and in no attribute: what prints a key shows its id, and a key is not pickled.
    """

    __slots__ = ("_sign", "algorithm", "key_id")

    key_id: str
    algorithm: Algorithm

    def __init__(self, key_id: str, algorithm: Algorithm, sign: Callable[[bytes], bytes]) -> None:
        """Takes what signs bytes with the key: a key that lies in a token or another process signs like any other."""
        if not re.fullmatch(r"[!#-\[\]-~]{1,255}", key_id):
            raise KeyFileError("key_id is missing: copy it from where the key was made")
        self.key_id = key_id
        self.algorithm = algorithm
        self._sign = sign

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Key:
        """Reads a key file: what the dashboard offers for download, and what ``sallyport key create`` and the demo write."""
        with open(path, encoding="utf-8") as file:
            return cls.parse(file.read())

    @classmethod
    def parse(cls, file: str | Mapping[str, Any]) -> Key:
        """Takes the JSON text of a key file, or what is in it."""
        fields = _parsed(file) if isinstance(file, str) else file
        if fields.get("dialect") != "native":
            raise KeyFileError("this package signs keys of the dialect native only")
        key_id = str(fields.get("key_id") or "")
        algorithm = fields.get("algorithm")
        if algorithm == "hmac-sha256":
            return cls(key_id, algorithm, _hmac(str(fields.get("secret") or "")))
        if algorithm == "ed25519":
            return cls(key_id, algorithm, _ed25519(str(fields.get("private_key") or "")))
        raise KeyFileError("the algorithm does not belong to the dialect native: want ed25519 or hmac-sha256")

    def sign(self, message: bytes) -> bytes:
        """Signs bytes."""
        return self._sign(message)

    def __repr__(self) -> str:
        return f"Key({self.key_id})"


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None  # the error holds the text that it stumbled over, which may be the secret
    if not isinstance(fields, dict):
        raise KeyFileError("this is no key file: it holds no JSON object")
    return fields


def _hmac(secret: str) -> Callable[[bytes], bytes]:
    if not secret:
        raise KeyFileError("secret is missing")
    # The key is the secret as it was shown, prefix and checksum included: nothing is decoded.
    return lambda message: hmac.new(secret.encode(), message, hashlib.sha256).digest()


def _ed25519(text: str) -> Callable[[bytes], bytes]:
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_der_private_key
    except ModuleNotFoundError:
        raise KeyFileError("Ed25519 keys need the package cryptography: pip install 'sallyport[ed25519]'") from None
    try:
        raw = _key_bytes(text.replace("\\n", "\n").strip())
        key = Ed25519PrivateKey.from_private_bytes(raw[:32]) if len(raw) in (32, 64) else load_der_private_key(raw, None)
    except Exception:  # whatever the library finds wrong with it, and never its words: they may quote the key
        raise KeyFileError("private_key is no Ed25519 private key") from None
    if not isinstance(key, Ed25519PrivateKey) or (len(raw) == 64 and key.public_key().public_bytes_raw() != raw[32:]):
        raise KeyFileError("private_key is no Ed25519 private key")
    return key.sign


def _key_bytes(text: str) -> bytes:
    """Takes the wrapping off: one PEM block with PKCS #8, hexadecimal or base64."""
    if pem := re.fullmatch(r"-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----", text):
        return _from_base64("".join(pem[1].split()))
    if re.fullmatch(r"[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128}", text):
        return bytes.fromhex(text)
    raw = _from_base64(text)
    if len(raw) not in (32, 64):  # PKCS #8 comes as PEM
        raise ValueError
    return raw


def _from_base64(text: str) -> bytes:
    """Reads base64 of either alphabet, with or without padding."""
    bare = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
