"""The native profile sallyport-v1: RFC 9421 and RFC 9530 with nothing left to choose."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field

from .key import Key
from .target import SignError, canonical_authority, check


@dataclass(frozen=True)
class Signable:
    """A request as it will go over the wire."""

    method: str
    authority: str  # host[:port] as the server is addressed
    target: str  # in origin form, path[?query], with every escape as it will be sent
    body: bytes = field(default=b"", repr=False)


def sign(request: Signable, key: Key, created: int, nonce: str | None = None) -> dict[str, str]:
    """Gives the header lines that sign a request; they replace lines of the same names.

    ``created`` is when the signature is made, in whole seconds since 1970; the gate takes it for some 10 s. ``nonce`` is 16 to 64
    characters, never used before; left out, it is random (128 bits). The bytes that are sent must be the bytes that were signed.

    Raises SignError for a request that the gate would refuse.
    """
    if nonce is None:
        nonce = secrets.token_urlsafe(16)
    if not 0 <= created < 10**10 or not re.fullmatch(r"[A-Za-z0-9._~+/=-]{16,64}", nonce):
        raise SignError("bad_parameter")
    digest = f"sha-256=:{_base64(hashlib.sha256(request.body).digest())}:" if request.body else None
    covered = '("@method" "@authority" "@path" "@query"' + (' "content-digest")' if digest else ")")
    params = f'{covered};created={created:d};keyid="{key.key_id}";nonce="{nonce}";tag="sallyport-v1"'
    signature = key.sign(signature_base(request, params, digest).encode("ascii"))
    headers = {"Content-Digest": digest} if digest else {}
    return {**headers, "Signature-Input": f"sig1={params}", "Signature": f"sig1=:{_base64(signature)}:"}


def signature_base(request: Signable, params: str, digest: str | None = None) -> str:
    """The text under a signature (RFC 9421 §2.5), to be compared with the one that the gate shows for a test key.

    ``params`` are what stands behind the label in Signature-Input, ``digest`` the value of Content-Digest when it is covered.
    """
    check(request.method, request.authority, request.target)
    path, _, query = request.target.partition("?")
    lines = [
        f'"@method": {request.method}',
        f'"@authority": {canonical_authority(request.authority)}',
        f'"@path": {path}',
        f'"@query": ?{query}',
    ]
    if digest:
        lines.append(f'"content-digest": {digest}')
    return "\n".join([*lines, f'"@signature-params": {params}'])


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
