"""Records requests in the native profile as a second independent client signs them: PyPI http-message-signatures, sent by
http.client over loopback and kept byte for byte. Clock, nonces and keys are fixed, so a second run writes the same file.

    python record-native.py ../../../spec/vectors/native-captures.json

Each entry says what a strict verifier must answer at clock_ms: "accepted", or the reason of the refusal.
"""

import base64
import datetime
import hashlib
import http.client
import json
import pathlib
import socket
import sys
import threading
import types
from importlib.metadata import version

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

SIGNER = "PyPI http-message-signatures " + version("http-message-signatures")
CREATED = 1795292455  # seconds; the clock of every client here
PARTS = ("@method", "@authority", "@path", "@query")

ED25519 = Ed25519PrivateKey.from_private_bytes(bytes((i * 5 + 11) & 0xFF for i in range(32)))
SECRET = "sps_test_AU7hYDlV0zaB1vlol3eWeV6aexWBsNMop6MG6qfrOkq0nbHum"
KEYS = {
    "ed25519": {
        "keyid": "spk_test_0dnr1nZ6HFBkxRdzLGWhUo1ayziF",
        "algorithm": "ed25519",
        "public_key": base64.b64encode(ED25519.public_key().public_bytes_raw()).decode(),
    },
    "hmac-sha256": {"keyid": "spk_test_0r4TN45T2KFfwarJn1Mvzk2XYoQR", "algorithm": "hmac-sha256", "secret": SECRET},
}
RESOLVER = MappingKeyResolver(
    public_keys={}, private_keys={KEYS["ed25519"]["keyid"]: ED25519, KEYS["hmac-sha256"]["keyid"]: SECRET.encode()}
)
ALGORITHMS = {"ed25519": algorithms.ED25519, "hmac-sha256": algorithms.HMAC_SHA256}
ORDER = json.dumps({"market": "KRW-BTC", "side": "bid", "price": "100000000", "volume": 0.01, "identifier": "봇 7"}).encode()

CASES = [
    {"op": "balances", "key": "ed25519", "target": "/v1/accounts"},
    {"op": "query with escapes", "key": "hmac-sha256", "target": "/v1/orders?state=wait&q=%ED%95%9C&empty="},
    {"op": "order", "key": "ed25519", "method": "POST", "target": "/v1/orders?market=KRW-BTC", "body": ORDER},
    {"op": "order, expires after 300 s", "key": "hmac-sha256", "method": "POST", "target": "/v1/orders", "body": ORDER, "expires": 300},
    {"op": "cancel, no alg", "key": "hmac-sha256", "method": "DELETE", "target": "/v1/order?uuid=5f2a", "alg": False, "label": "sig1"},
    {"op": "library defaults: target uri", "key": "ed25519", "target": "/v1/accounts", "covered": None, "expect": "unknown_component"},
    {"op": "no nonce", "key": "ed25519", "target": "/v1/accounts", "nonce": None, "expect": "missing_parameter"},
    {"op": "empty body with its digest", "key": "ed25519", "method": "POST", "target": "/v1/orders", "body": b"", "expect": "digest_without_body"},
    {"op": "query order changed on the way", "key": "ed25519", "target": "/v1/orders?a=1&b=2", "sent": "/v1/orders?b=2&a=1", "expect": "bad_signature"},
    {"op": "created one second before the window", "key": "ed25519", "target": "/v1/accounts", "clock": 11, "expect": "too_old"},
]


def signed(case, number):
    """The header lines of a signed request, in order."""
    credentials = KEYS[case["key"]]
    headers = {"Host": "api.example.com"}
    message = types.SimpleNamespace(
        method=case.get("method", "GET"), url="https://api.example.com" + case["target"], headers=headers
    )
    created = datetime.datetime.fromtimestamp(CREATED, datetime.timezone.utc)
    nonce = base64.b32encode(hashlib.sha256(f"{number} {case['op']}".encode()).digest()).decode()[:26]
    options = {
        "key_id": credentials["keyid"],
        "created": created,
        "nonce": case.get("nonce", nonce),
        "tag": "sallyport-v1",
        "include_alg": case.get("alg", True),
        "label": case.get("label"),
        "body": case.get("body"),
    }
    if "expires" in case:
        options["expires"] = created + datetime.timedelta(seconds=case["expires"])
    if case.get("covered", PARTS):
        options["covered_component_ids"] = PARTS
    signer = HTTPMessageSigner(signature_algorithm=ALGORITHMS[credentials["algorithm"]], key_resolver=RESOLVER)
    signer.sign(message, **options)
    return headers


def send(case, headers):
    """The bytes of the request as they arrive on a loopback socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    body = case.get("body", b"")
    raw = bytearray()

    def serve():
        connection, _ = listener.accept()
        with connection:
            while b"\r\n\r\n" not in raw or len(raw) < raw.index(b"\r\n\r\n") + 4 + len(body):
                raw.extend(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    server = threading.Thread(target=serve)
    server.start()
    client = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1])
    client.putrequest(case.get("method", "GET"), case.get("sent", case["target"]), skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        client.putheader(name, value)
    if "body" in case:
        client.putheader("Content-Length", str(len(body)))
    client.endheaders(body or None)
    client.getresponse().read()
    server.join()
    listener.close()
    return bytes(raw)


def parse(raw):
    head, body = raw.split(b"\r\n\r\n", 1)
    start, *lines = head.decode("latin1").split("\r\n")
    method, target, _ = start.split(" ")
    path, _, query = target.partition("?")
    return {
        "method": method,
        "target": target,
        "path": path,
        "query": query,
        "headers": [[name, value.strip()] for name, _, value in (line.partition(":") for line in lines)],
        "body": body.decode(),
    }


def main(file):
    document = json.loads(file.read_text())
    captures = [c for c in document["captures"] if c["signer"] != SIGNER]
    for number, case in enumerate(CASES):
        raw = send(case, signed(case, number))
        captures.append(
            {
                "signer": SIGNER,
                "op": case["op"],
                "origin": "https://api.example.com",
                "credentials": KEYS[case["key"]],
                "clock_ms": (CREATED + case.get("clock", 0)) * 1000,
                **parse(raw),
                "raw_base64": base64.b64encode(raw).decode(),
                "expect": case.get("expect", "accepted"),
            }
        )
    document["captures"] = sorted(captures, key=lambda c: c["signer"])
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


main(pathlib.Path(sys.argv[1]))
