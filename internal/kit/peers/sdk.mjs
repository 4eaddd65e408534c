// A bot's day with sdk/typescript. It reads {package, gateway, keys} from standard input: the path of the built package, and keys as the demo
// prints them. It prints one JSON object: algorithm → {placed, open, cancelled, late, requests, printed}, where late is what a client whose
// clock is an hour behind got for two calls, and requests how often it sent.
//
//	node sdk.mjs < facts.json
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';

const { package: path, gateway, keys } = JSON.parse(readFileSync(0, 'utf8'));
const { createFetch, Key } = await import(path);

const results = {};
for (const file of keys.filter((k) => k.dialect === 'native')) {
  const key = await Key.from(file);
  const gate = createFetch({ key, origin: gateway });
  const json = async (target, init) => (await gate(target, init)).json();
  const order = { market: 'KRW-BTC', side: 'bid', ord_type: 'limit', volume: '0.001', price: '50000000', identifier: `봇 typescript ${file.algorithm}` };
  const placed = await json('/v1/orders', { method: 'POST', body: JSON.stringify(order), headers: { 'Content-Type': 'application/json' } });
  const open = await json('/v1/orders/open?market=KRW-BTC&states[]=wait');
  const cancelled = await json(`/v1/order?uuid=${placed.uuid}`, { method: 'DELETE' });

  let requests = 0;
  const counted = (request) => (requests++, fetch(request));
  const behind = createFetch({ key, origin: gateway, fetch: counted, now: () => Date.now() - 3600_000 });
  const late = [(await behind('/v1/accounts')).status, (await behind('/v1/accounts')).status];

  const printed = [inspect({ key, gate }, { depth: 9, showHidden: true }), JSON.stringify({ key }), String(key)].join('\n');
  results[file.algorithm] = { placed, open, cancelled, late, requests, printed };
}
process.stdout.write(JSON.stringify(results) + '\n');
