from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import unittest
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import format_datetime
from typing import Any
from unittest import mock

import httpx
import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from sallyport import HttpxAuth, Key, RequestsAuth, SignError

ORIGIN = "https://api.example.com:8443"
KEY = Key.parse({"key_id": "spk_test_1", "algorithm": "hmac-sha256", "dialect": "native", "secret": "sps_test_x"})
SERVER = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
AT = int(SERVER.timestamp())


def too_old(server_time: str, code: str = "signature.too_old") -> str:
    return json.dumps({"code": code, "fields": {"server_time": server_time}})


RFC3339 = SERVER.isoformat().replace("+00:00", ".000Z")


class Answers(HTTPAdapter):
    """Keeps what is sent, and answers the n-th request with the n-th answer, and then with "late". It serves both libraries."""

    def __init__(self, *answers: tuple[int, str, dict[str, str]]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.sent: list[tuple[str, str, dict[str, str], bytes]] = []  # method, url, headers, body

    def _next(self, method: str, url: str, headers: Any, body: bytes) -> tuple[int, str, dict[str, str]]:
        self.sent.append((method, url, {name.lower(): value for name, value in dict(headers).items()}, body))
        return self.answers.pop(0) if self.answers else (200, "late", {})

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        assert request.body is None or isinstance(request.body, bytes)
        status, body, headers = self._next(str(request.method), str(request.url), request.headers, request.body or b"")
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = status, request, str(request.url)
        answer.headers, answer.raw = CaseInsensitiveDict(headers), io.BytesIO(body.encode())
        answer.connection = self
        return answer

    def httpx(self, request: httpx.Request) -> httpx.Response:
        status, body, headers = self._next(request.method, str(request.url), request.headers, request.content)
        return httpx.Response(status, text=body, headers=headers)

    def created(self) -> list[int]:
        return [int(re.findall(r"created=(\d+)", headers["signature-input"])[0]) for _, _, headers, _ in self.sent]


def by_requests(answers: Answers, calls: list[dict[str, Any]], **options: Any) -> list[tuple[int, str]]:
    session = requests.Session()
    session.mount("https://", answers)
    session.mount("http://", answers)
    session.auth = RequestsAuth(KEY, ORIGIN, **{"now": lambda: AT - 3600.0} | options)
    got = [session.request(**call) for call in calls]
    return [(answer.status_code, answer.text) for answer in got]


def by_httpx(answers: Answers, calls: list[dict[str, Any]], **options: Any) -> list[tuple[int, str]]:
    auth = HttpxAuth(KEY, ORIGIN, **{"now": lambda: AT - 3600.0} | options)
    with httpx.Client(auth=auth, transport=httpx.MockTransport(answers.httpx)) as client:
        got = [client.request(**_for_httpx(call)) for call in calls]
    return [(answer.status_code, answer.text) for answer in got]


def by_async_httpx(answers: Answers, calls: list[dict[str, Any]], **options: Any) -> list[tuple[int, str]]:
    async def send() -> list[httpx.Response]:
        auth = HttpxAuth(KEY, ORIGIN, **{"now": lambda: AT - 3600.0} | options)
        async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(answers.httpx)) as client:
            return [await client.request(**_for_httpx(call)) for call in calls]

    return [(answer.status_code, answer.text) for answer in asyncio.run(send())]


def _for_httpx(call: dict[str, Any]) -> dict[str, Any]:
    return {("content" if name == "data" else name): value for name, value in call.items()}


LIBRARIES = {"requests": by_requests, "httpx": by_httpx, "httpx async": by_async_httpx}


class AuthTest(unittest.TestCase):
    def each(self) -> Iterator[Any]:
        for name, send in LIBRARIES.items():
            with self.subTest(name):
                yield send

    def test_a_request_keeps_what_it_had_and_gets_a_signature(self) -> None:
        for send in self.each():
            answers = Answers()
            send(
                answers,
                [
                    {"method": "POST", "url": ORIGIN + "/v1/orders?a=%ED&b=한", "data": b'{"a":1}', "headers": {"X-Mine": "1"}},
                    {"method": "GET", "url": ORIGIN + "/v1/accounts", "params": {"a": "b c"}},
                    {"method": "POST", "url": ORIGIN + "/v1/orders", "data": "봇"},
                    {"method": "DELETE", "url": ORIGIN + "/v1/orders"},
                ],
            )
            method, url, headers, body = answers.sent[0]
            self.assertEqual((method, url, body), ("POST", ORIGIN + "/v1/orders?a=%ED&b=%ED%95%9C", b'{"a":1}'))
            self.assertEqual((headers["x-mine"], headers["content-length"]), ("1", "7"))
            self.assertEqual(headers["content-digest"], "sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:")
            self.assertEqual(answers.sent[2][3], "봇".encode())
            self.assertEqual([("content-digest" in sent[2]) for sent in answers.sent], [True, False, True, False])
            for sent in answers.sent:
                self.assertRegex(sent[2]["signature"], r"^sig1=:[A-Za-z0-9+/]{43}=:$")

    def test_a_clock_that_is_off_costs_one_request_once(self) -> None:
        date = {"Date": format_datetime(SERVER, usegmt=True)}
        by_proxy = date | {"Sallyport-Refusal": "signature.too_old"}  # which answered with a page of its own
        for refusal in (
            (401, too_old(RFC3339), {}),
            (401, too_old("noon"), date),
            (401, too_old(RFC3339, "signature.ahead"), {}),
            (401, "<html>", by_proxy),
        ):
            for send in self.each():
                answers = Answers(refusal)
                got = send(answers, [{"method": "POST", "url": ORIGIN + "/v1/orders", "data": b"x"}] * 3)
                self.assertEqual(got, [(200, "late")] * 3)
                self.assertEqual(answers.created(), [AT - 3600, AT, AT, AT])
                self.assertEqual(len({sent[2]["signature-input"] for sent in answers.sent}), 4, "each with a nonce of its own")
                self.assertEqual({sent[3] for sent in answers.sent}, {b"x"})

    def test_a_gate_that_goes_on_refusing_gets_two_requests(self) -> None:
        for send in self.each():
            answers = Answers(*[(401, too_old(RFC3339), {})] * 3)
            self.assertEqual(send(answers, [{"method": "GET", "url": ORIGIN}]), [(401, too_old(RFC3339))])
            self.assertEqual(len(answers.sent), 2)

    def test_a_gate_that_has_just_started_is_waited_for_once(self) -> None:
        again = '{"code":"signature.sign_again","status":401}'
        by_proxy = {"Sallyport-Refusal": "signature.sign_again", "Retry-After": "5"}  # which answered with a page of its own
        for answers, waited, got in (
            ([(401, again, {"Retry-After": "2"})], [2.0], (200, "late")),
            ([(401, "<html>", by_proxy)], [5.0], (200, "late")),
            ([(401, again, {"Retry-After": "2"})] * 2, [2.0], (401, again)),
            ([(401, again, {})], [], (401, again)),
            ([(401, again, {"Retry-After": "6"})], [], (401, again)),
            ([(401, again, {"Retry-After": "-1"})], [], (401, again)),
            ([(401, again, {"Retry-After": "soon"})], [], (401, again)),
            ([(503, again, {"Retry-After": "2"})], [], (503, again)),
        ):
            for send in self.each():
                adapter = Answers(*answers)
                with mock.patch("time.sleep") as slept, mock.patch("anyio.sleep") as slept_async:
                    self.assertEqual(send(adapter, [{"method": "POST", "url": ORIGIN + "/v1/orders", "data": b"x"}]), [got])
                self.assertEqual([call.args[0] for call in slept.mock_calls + slept_async.mock_calls], waited)
                self.assertEqual(len({sent[2]["signature-input"] for sent in adapter.sent}), 1 + len(waited), "each with a nonce of its own")
                self.assertEqual({sent[3] for sent in adapter.sent}, {b"x"})

    def test_other_answers_are_the_callers(self) -> None:
        for status, body in (
            (401, '{"code":"unauthorized","fields":{"server_time":"2026-11-21T12:00:00Z"}}'),
            (401, "<html>"),
            (401, ""),
            (401, "null"),
            (401, too_old("2036-11-21T12:00:00Z")),
            (401, too_old("2026-11-21T12:00:00")),
            (401, too_old("noon")),
            (401, '{"code":"signature.too_old","fields":7}'),
            (401, too_old(RFC3339) + " " * 100_000),
            (403, too_old(RFC3339)),
        ):
            for send in self.each():
                answers = Answers((status, body, {}))
                self.assertEqual(send(answers, [{"method": "GET", "url": ORIGIN}]), [(status, body)])
                self.assertEqual(len(answers.sent), 1)

    def test_a_signature_leaves_for_one_origin(self) -> None:
        for url in ("https://api.example.com/", "http://api.example.com:8443/", "https://api.example.com.evil.example:8443/"):
            for send in self.each():
                answers = Answers()
                with self.assertRaises(ValueError):
                    send(answers, [{"method": "GET", "url": url}])
                self.assertEqual(answers.sent, [])
        for send in self.each():
            with self.assertRaises(ValueError):
                send(Answers(), [{"method": "GET", "url": ORIGIN, "headers": {"Host": "other.example"}}])

    def test_requests_follows_a_redirect_without_the_signature(self) -> None:
        refusals: list[tuple[int, str, dict[str, str]]] = [(401, too_old(RFC3339), {})]
        for before in ([], refusals):
            for home in (ORIGIN, "https://evil.example"):
                answers = Answers(*before, (307, "", {"Location": home + "/x"}), (401, too_old(RFC3339), {}))
                got = by_requests(answers, [{"method": "POST", "url": ORIGIN, "data": b"x"}])
                self.assertEqual(got, [(401, too_old(RFC3339))])
                self.assertEqual(answers.sent[-1][1], home + "/x")
                self.assertFalse({"signature", "signature-input", "content-digest"} & set(answers.sent[-1][2]))
                self.assertEqual(len(answers.sent), 2 + len(before))

    def test_what_cannot_be_signed_is_not_sent(self) -> None:
        for send in self.each():
            answers = Answers()
            with self.assertRaises(SignError) as refusal:
                send(answers, [{"method": "GET", "url": ORIGIN + "/v1//accounts"}])
            self.assertEqual(refusal.exception.reason, "empty_segment")
            with self.assertRaises(ValueError):
                send(answers, [{"method": "POST", "url": ORIGIN, "data": b"12345"}], max_body=4)
            self.assertEqual(answers.sent, [])
            send(answers, [{"method": "POST", "url": ORIGIN, "data": b"1234"}], max_body=4)

    def test_a_file_is_read_and_a_stream_is_refused(self) -> None:
        answers = Answers()
        by_requests(answers, [{"method": "POST", "url": ORIGIN, "data": io.BytesIO(b"file")}])
        self.assertEqual((answers.sent[0][3], answers.sent[0][2]["content-length"]), (b"file", "4"))
        self.assertNotIn("transfer-encoding", answers.sent[0][2])
        with self.assertRaises(TypeError):
            by_requests(answers, [{"method": "POST", "url": ORIGIN, "data": iter([b"a"])}])

    def test_an_origin_is_an_origin(self) -> None:
        for bad in ("api.example.com", "ftp://api.example.com", "https://", ""):
            for auth in (RequestsAuth, HttpxAuth):
                with self.subTest(bad), self.assertRaises(ValueError):
                    auth(KEY, bad)

    def test_nothing_is_logged_that_is_secret(self) -> None:
        with mock.patch("sys.stderr", io.StringIO()) as said, self.assertLogs(level="DEBUG") as logged:
            logging.debug("%r", RequestsAuth(KEY, ORIGIN))
            for send in LIBRARIES.values():
                send(Answers((401, too_old(RFC3339), {})), [{"method": "POST", "url": ORIGIN, "data": b"x"}])
        self.assertNotIn("sps_test_x", said.getvalue() + "".join(logged.output))


if __name__ == "__main__":
    unittest.main()
