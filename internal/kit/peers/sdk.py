"""A bot's day with sdk/python, by each of its auth classes. It reads {gateway, keys} from standard input, keys as the demo prints them, and
prints one JSON object: library and algorithm → {placed, open, cancelled, late, requests, printed}, where late is what a client whose clock
is an hour ahead got for two calls, and requests how often it sent.

    PYTHONPATH=../../../sdk/python/src python sdk.py < facts.json
"""

import asyncio
import json
import sys
import time

import httpx
import requests

from sallyport import HttpxAuth, Key, RequestsAuth

facts = json.load(sys.stdin)
GATEWAY = facts["gateway"]


def by_requests(key, count, **options):
    session = requests.Session()
    session.auth = RequestsAuth(key, GATEWAY, **options)
    adapter = session.get_adapter(GATEWAY)
    adapter.send = lambda *a, send=adapter.send, **k: (count.append(1), send(*a, **k))[1]
    return session, lambda method, target, **body: session.request(method, GATEWAY + target, **body)


def by_httpx(key, count, **options):
    client = httpx.Client(base_url=GATEWAY, auth=HttpxAuth(key, GATEWAY, **options))
    transport = client._transport
    transport.handle_request = lambda r, send=transport.handle_request: (count.append(1), send(r))[1]
    return client, client.request


def by_async_httpx(key, count, **options):
    async def once(method, target, **body):
        async with httpx.AsyncClient(base_url=GATEWAY, auth=auth) as client:
            transport = client._transport
            send = transport.handle_async_request

            async def counted(request):
                count.append(1)
                return await send(request)

            transport.handle_async_request = counted
            return await client.request(method, target, **body)

    auth = HttpxAuth(key, GATEWAY, **options)
    return auth, lambda method, target, **body: asyncio.run(once(method, target, **body))


def day(name, library, file):
    key = Key.parse(file)
    client, call = library(key, [])
    order = {"market": "KRW-BTC", "side": "bid", "ord_type": "limit", "volume": "0.001", "price": "50000000", "identifier": f"봇 {name}"}
    placed = call("POST", "/v1/orders", json=order).json()
    opened = call("GET", "/v1/orders/open?market=KRW-BTC&states[]=wait").json()
    cancelled = call("DELETE", f"/v1/order?uuid={placed['uuid']}").json()
    count = []
    _, ahead = library(key, count, now=lambda: time.time() + 3600)
    late = [ahead("GET", "/v1/accounts").status_code, ahead("GET", "/v1/accounts").status_code]
    printed = f"{key} {key!r} {client!r} {getattr(client, 'auth', None)!r} {vars(client)}"
    return {"placed": placed, "open": opened, "cancelled": cancelled, "late": late, "requests": len(count), "printed": printed}


LIBRARIES = {"requests": by_requests, "httpx": by_httpx, "httpx async": by_async_httpx}
results = {
    f"{name} {file['algorithm']}": day(f"{name} {file['algorithm']}", library, file)
    for name, library in LIBRARIES.items()
    for file in facts["keys"]
    if file["dialect"] == "native"
}
print(json.dumps(results))
