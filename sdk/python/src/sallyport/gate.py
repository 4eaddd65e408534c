"""What the auth classes share: one key, one origin, and a clock that follows the gate's."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from .key import Key
from .signing import Signable, sign

DEFAULT_MAX_BODY = 1 << 20

MAX_REFUSAL = 16 << 10  # bytes of a refusal that is read to see what it is about
MAX_WAIT = 5.0  # seconds that a gate which has just started is waited for at most
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

    def again(self, status: int, body: bytes, headers: Mapping[str, str]) -> float | None:
        """After how many seconds to sign and send once more, or None where the answer is the caller's.

        Both answers were given before anything was done: one refuses the time of a signature, and the gate's clock is known afterwards; the
        other (signature.sign_again) a signature from before the gate's own start, and says in Retry-After when it is over.
        """
        if status != 401 or len(body) > MAX_REFUSAL:
            return None
        problem = _problem(body)
        code = headers.get("Sallyport-Refusal", problem.get("code"))  # the header stands also where a proxy wrote the body
        if code == "signature.sign_again":
            return _retry_after(headers.get("Retry-After", ""))
        if code not in ("signature.too_old", "signature.ahead"):
            return None
        server = _server_time(problem, headers.get("Date"))
        if server is None or abs(server.timestamp() - self._now()) > MAX_CORRECTION:
            return None
        self._offset = server.timestamp() - self._now()
        return 0.0


def _origin(url: str) -> str:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an origin begins with http:// or https:// and a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def _problem(body: bytes) -> dict[str, Any]:
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {}


def _retry_after(seconds: str) -> float | None:
    if not re.fullmatch(r"[0-9]{1,9}", seconds) or int(seconds) > MAX_WAIT:
        return None
    return float(seconds)


def _server_time(problem: dict[str, Any], date: str | None) -> datetime | None:
    """The gate's clock in a refusal that is about time: its field server_time, or else the header Date."""
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
