// Sends live requests that npm http-message-signatures signed in the native profile. It reads {gateway, keys} from standard input, keys as
// the demo prints them, and prints one JSON object: algorithm → step → {status, body}.
//
//	node call-native.mjs < facts.json
import { createHash, createPrivateKey, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import hms from 'http-message-signatures';

const { httpbis, createSigner } = hms;
const { gateway, keys } = JSON.parse(readFileSync(0, 'utf8'));
const PARTS = ['@method', '@authority', '@path', '@query'];
const digest = (body) => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;

const signerOf = (key) => createSigner(key.private_key ? createPrivateKey(key.private_key) : Buffer.from(key.secret), key.algorithm, key.key_id);

async function signed(key, method, target, body, config) {
  const headers = { Host: new URL(gateway).host, ...(body && { 'Content-Type': 'application/json', 'Content-Digest': digest(body) }) };
  const message = await httpbis.signMessage({
    key: signerOf(key),
    fields: body ? [...PARTS, 'content-digest'] : PARTS,
    params: ['created', 'keyid', 'nonce', 'tag'],
    paramValues: { created: new Date(), nonce: randomUUID(), tag: 'sallyport-v1' },
    ...config,
  }, { method, url: gateway + target, headers });
  delete message.headers.Host; // fetch writes its own, the same
  return { method, headers: message.headers, body, target };
}

async function send({ target, ...request }) {
  const answer = await fetch(gateway + target, request);
  return { status: answer.status, body: await answer.json() };
}

const order = JSON.stringify({ market: 'KRW-BTC', side: 'bid', ord_type: 'limit', volume: '0.001', price: '50000000', identifier: randomUUID() });
const results = {};
for (const key of keys.filter((k) => k.dialect === 'native')) {
  const steps = results[key.algorithm] = {};
  steps.balances = await send(await signed(key, 'GET', '/v1/accounts'));
  const body = order.replace('"identifier":"', `"identifier":"${key.algorithm}-`);
  const request = await signed(key, 'POST', '/v1/orders', body);
  steps.placed = await send(request);
  steps.replayed = await send(request);
  steps.cancelled = await send(await signed(key, 'DELETE', `/v1/order?uuid=${steps.placed.body.uuid}`));
  steps['changed body'] = await send({ ...await signed(key, 'POST', '/v1/orders', body), body: body.replace('0.001', '0.002') });
  steps.defaults = await send(await signed(key, 'GET', '/v1/accounts', undefined, { params: undefined, paramValues: undefined }));
}
process.stdout.write(JSON.stringify(results, null, 1) + '\n');
