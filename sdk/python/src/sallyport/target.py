"""Which requests can be signed: what the Go package sign refuses is refused here, with the same words."""

from __future__ import annotations

import re


class SignError(ValueError):
    """A request that the gate would refuse, and that is therefore not signed. ``reason`` is the gate's word for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a request like this cannot be signed: {reason}")
        self.reason = reason


MAX_AUTHORITY = 255 + 6  # a name (RFC 1035 §2.3.4), a colon and a port
MAX_TARGET = 8 << 10

# A name, an IPv4 address, or an IPv6 address in brackets, and perhaps a port; no user before it (RFC 3986 §3.2).
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[:*[A-Za-z0-9._-][A-Za-z0-9._:-]*\])(?::(?:0|[1-9][0-9]{0,4}))?")
# Escapes in a row may be one character, so they are read together. A percent sign that begins none stands alone.
_PIECE = re.compile(r"(?:%[0-9A-Fa-f]{2})+|.", re.DOTALL)
_PATH_CHARACTER = re.compile(r"[A-Za-z0-9._~!$&'()*+,=:@-]")
_NEVER_ESCAPED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/\\%?#;\x7f") | frozenset(range(0x20))


def check(method: str, authority: str, target: str) -> None:
    """Refuses a request of which two readers could disagree what it asks for. Nothing is repaired."""
    if not re.fullmatch(r"[A-Z-]+", method):
        raise SignError("method_refused")
    if len(authority) > MAX_AUTHORITY:
        raise SignError("too_large")
    if not _AUTHORITY.fullmatch(authority):
        raise SignError("authority_malformed")
    if len(target) > MAX_TARGET:
        raise SignError("too_large")
    path, _, query = target.partition("?")
    _check_path(path)
    if not re.fullmatch(r"[!-~]*", query) or re.search(r"[#;]|%(?![0-9A-Fa-f]{2})", query):
        raise SignError("query_byte")


def canonical_authority(authority: str) -> str:
    """The value of @authority (RFC 9421 §2.2.3): lower case, without the port when it is 80 or 443."""
    return re.sub(r":(?:443|80)\Z", "", authority).lower()


def _check_path(path: str) -> None:
    if not path.startswith("/"):
        raise SignError("target_form")
    segments = path[1:].split("/")
    for i, segment in enumerate(segments):
        for piece in _PIECE.findall(segment):
            if piece.startswith("%"):
                _check_escapes(piece)
            elif not _PATH_CHARACTER.fullmatch(piece):
                raise SignError("path_byte")
        if segment == "" and i < len(segments) - 1:  # a path may end in a slash
            raise SignError("empty_segment")
        if segment in (".", ".."):
            raise SignError("dot_segment")


def _check_escapes(run: str) -> None:
    """An escape stands for a character that must or may be escaped and means nothing to a path."""
    try:
        raw = bytes.fromhex(run.replace("%", ""))
        raw.decode("utf-8")
    except ValueError:
        raise SignError("path_escape") from None
    if not raw or _NEVER_ESCAPED.intersection(raw):
        raise SignError("path_escape")
