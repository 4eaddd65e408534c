"""Signs requests to a Sallyport gate with an API key.

It knows the native profile (docs/signing.md) and nothing of what the requests mean. HMAC keys need the standard library alone, Ed25519
keys ``cryptography``; ``RequestsAuth`` needs ``requests`` and ``HttpxAuth`` needs ``httpx``, and each is imported when it is first named.

No error, no printed object and no log line of this package holds a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .key import Algorithm, Key, KeyFileError
from .signing import Signable, sign, signature_base
from .target import SignError

if TYPE_CHECKING:
    from .with_httpx import HttpxAuth as HttpxAuth
    from .with_requests import RequestsAuth as RequestsAuth

__all__ = ["Algorithm", "HttpxAuth", "Key", "KeyFileError", "RequestsAuth", "SignError", "Signable", "sign", "signature_base"]


def __getattr__(name: str) -> Any:
    if name == "RequestsAuth":
        from .with_requests import RequestsAuth

        return RequestsAuth
    if name == "HttpxAuth":
        from .with_httpx import HttpxAuth

        return HttpxAuth
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
