"""The auth class for requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from .gate import DEFAULT_MAX_BODY, HEADERS, Gate
from .key import Key


class RequestsAuth(AuthBase):
    """Signs what a session or a single call of requests sends.

    When the gate refuses the time of a signature, it takes the gate's clock, keeps the difference for later requests, signs once more
    and sends once more. When the gate has just started (signature.sign_again), it waits as long as that asks, five seconds at the most,
    and does the same. A second refusal is the caller's. A redirect is followed without the signature.

        session = requests.Session()
        session.auth = RequestsAuth(Key.read("key.json"), "https://api.example.com")
    """

    def __init__(self, key: Key, origin: str, *, now: Callable[[], float] = time.time, max_body: int = DEFAULT_MAX_BODY) -> None:
        """``origin`` is the only place that gets signed requests; ``max_body`` bounds a body in bytes, because it is held in memory."""
        self._gate = Gate(key, origin, now, max_body)

    def __repr__(self) -> str:
        return f"RequestsAuth({self._gate!r})"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.body = self._body(request.body) or None
        request.headers.pop("Transfer-Encoding", None)  # the body is no stream any more
        request.prepare_content_length(request.body)
        self._sign(request)
        request.register_hook("response", self._answered)
        return request

    def _body(self, body: Any) -> bytes:
        if hasattr(body, "read"):
            body = body.read(self._gate.max_body + 1)
        if body is None:
            return b""
        if isinstance(body, str):
            return body.encode()
        if not isinstance(body, (bytes, bytearray)):
            raise TypeError("a body that is made while it is sent cannot be signed: give bytes, text or a file")
        return bytes(body)

    def _sign(self, request: PreparedRequest) -> None:
        url = str(request.url)
        if "Host" in request.headers and request.headers["Host"] != urlsplit(url).netloc:
            raise ValueError("the header Host names another host than the address")
        body = request.body if isinstance(request.body, bytes) else b""
        request.headers.update(self._gate.headers(str(request.method), url, request.path_url, body))

    def _answered(self, answer: Response, *_: Any, **sending: Any) -> Response:
        sent = answer.request
        if "Signature" not in sent.headers:
            return answer  # of a redirect that was followed
        wait = self._gate.again(401, answer.content, answer.headers) if answer.status_code == 401 else None
        if wait is not None:
            time.sleep(wait)
            again = sent.copy()
            self._sign(again)
            refused, answer = answer, answer.connection.send(again, **sending)
            answer.history.append(refused)
            answer.request = again
        if answer.is_redirect:
            for name in HEADERS:  # requests copies them from what was sent
                sent.headers.pop(name, None)
        return answer
