"""What the auth classes share: one key, one origin, and a clock that follows the gate's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from .key import Key
from .signing import Signable, sign

DEFAULT_MAX_BODY = 1 << 20

MAX_REFUSAL = 16 << 10  # bytes of a refusal that is read to see whether it is about the clock
MAX_CORRECTION = 24 * 3600  # what a server can make of our clock at most, in seconds; a time zone mistaken for UTC is 14 hours
HEADERS = ("Content-Digest", "Signature-Input", "Signature")


class Gate:
    """A gate as its client knows it."""

    def __init__(self, key: Key, origin: str, now: Callable[[], float] = time.time, max_body: int = DEFAULT_MAX_BODY) -> None:
        self.origin = _origin(origin)
        self.max_body = max_body
        self._key = key
        self._now = now
        self._offset = 0.0  # seconds that the gate's clock is ahead of ours

    def __repr__(self) -> str:
        return f"{self._key!r} for {self.origin}"

    def headers(self, method: str, url: str, target: str, body: bytes) -> dict[str, str]:
        """Signs a request to ``url`` whose request line will hold ``target``.

        Raises ValueError for another origin or a longer body: a signature leaves for one origin only. Raises SignError for a request
        that the gate would refuse.
        """
        if _origin(url) != self.origin:
            raise ValueError(f"the key signs for {self.origin} only")
        if len(body) > self.max_body:
            raise ValueError(f"a body of more than {self.max_body} bytes is too large to sign")
        authority = urlsplit(url).netloc.rpartition("@")[2]
        return sign(Signable(method, authority, target, body), self._key, int(self._now() + self._offset))

    def corrects_clock(self, status: int, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether an answer refuses the time of a signature and the gate's clock is now known."""
        if status != 401 or len(body) > MAX_REFUSAL:
            return False
        server = _server_time(body, headers)
        if server is None or abs(server.timestamp() - self._now()) > MAX_CORRECTION:
            return False
        self._offset = server.timestamp() - self._now()
        return True


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an origin begins with http:// or https:// and a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def _server_time(body: bytes, headers: Mapping[str, str]) -> datetime | None:
    """The gate's clock in a refusal that is about time: its field server_time, or else the header Date.

    The header Sallyport-Refusal says what was refused also where a proxy wrote the body.
    """
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {}
    if headers.get("Sallyport-Refusal", problem.get("code")) not in ("signature.too_old", "signature.ahead"):
        return None
    date = headers.get("Date")
    fields = problem.get("fields")
    text = str(fields.get("server_time")) if isinstance(fields, dict) else ""
    for read, written in ((datetime.fromisoformat, text.replace("Z", "+00:00")), (parsedate_to_datetime, date or "")):
        try:
            at = read(written)
        except (TypeError, ValueError):
            continue
        if at.tzinfo:
            return at
    return None
