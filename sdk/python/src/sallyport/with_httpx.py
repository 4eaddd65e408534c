"""The auth class for httpx."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Generator

import anyio
import httpx

from .gate import DEFAULT_MAX_BODY, Gate
from .key import Key


class HttpxAuth(httpx.Auth):
    """Signs what a Client or an AsyncClient of httpx sends.

    When the gate refuses the time of a signature, it takes the gate's clock, keeps the difference for later requests, signs once more
    and sends once more. When the gate has just started (signature.sign_again), it waits as long as that asks, five seconds at the most,
    and does the same. A second refusal is the caller's. Leave ``follow_redirects`` off, as it is: httpx would hand the signature on.

        client = httpx.Client(base_url="https://api.example.com", auth=HttpxAuth(Key.read("key.json"), "https://api.example.com"))
    """

    def __init__(self, key: Key, origin: str, *, now: Callable[[], float] = time.time, max_body: int = DEFAULT_MAX_BODY) -> None:
        """``origin`` is the only place that gets signed requests; ``max_body`` bounds a body in bytes, because it is held in memory."""
        self._gate = Gate(key, origin, now, max_body)

    def __repr__(self) -> str:
        return f"HttpxAuth({self._gate!r})"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.read()
        self._sign(request)
        answer = yield request
        if answer.status_code == 401:
            answer.read()
            if (wait := self._again(answer)) is not None:
                time.sleep(wait)
                self._sign(request)
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        await request.aread()
        self._sign(request)
        answer = yield request
        if answer.status_code == 401:
            await answer.aread()
            if (wait := self._again(answer)) is not None:
                await anyio.sleep(wait)
                self._sign(request)
                yield request

    def _sign(self, request: httpx.Request) -> None:
        if request.headers["Host"] != request.url.netloc.decode("ascii"):
            raise ValueError("the header Host names another host than the address")
        target = request.url.raw_path.decode("ascii")
        request.headers.update(self._gate.headers(request.method, str(request.url), target, request.content))

    def _again(self, answer: httpx.Response) -> float | None:
        return self._gate.again(answer.status_code, answer.content, answer.headers)
