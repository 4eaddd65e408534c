// Records requests in the native profile as an independent client signs them: npm http-message-signatures, sent by node:http over
// loopback and kept byte for byte. Clock, nonces and keys are fixed, so a second run writes the same file.
//
//	node record-native.mjs ../../../spec/vectors/native-captures.json
//
// Each entry says what a strict verifier must answer at clock_ms: "accepted", or the reason of the refusal.
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import http from 'node:http';
import net from 'node:net';
import hms from 'http-message-signatures';

const { httpbis, createSigner } = hms;
const SIGNER = `npm http-message-signatures ${createRequire(import.meta.url)('http-message-signatures/package.json').version}`;
const CREATED = 1795292455; // seconds; the clock of every client here
const ORIGIN = 'https://api.example.com';

const seed = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 7 + 3) & 0xff));
const ed25519 = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]), format: 'der', type: 'pkcs8',
});
const keys = {
  ed25519: {
    signer: createSigner(ed25519, 'ed25519', 'spk_test_0DGcLGWMl53uz9DKRkqEUw1pqV7r'),
    credentials: {
      keyid: 'spk_test_0DGcLGWMl53uz9DKRkqEUw1pqV7r', algorithm: 'ed25519',
      public_key: createPublicKey(ed25519).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64'),
    },
  },
  hmac: {
    signer: createSigner(Buffer.from('sps_test_5F3qm6skVUn5VxsuNWpGKFYIYhYkwY7XyZC8lD0ZBNA2iocvj'), 'hmac-sha256', 'spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp'),
    credentials: {
      keyid: 'spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp', algorithm: 'hmac-sha256',
      secret: 'sps_test_5F3qm6skVUn5VxsuNWpGKFYIYhYkwY7XyZC8lD0ZBNA2iocvj',
    },
  },
};
const otherSecret = createSigner(Buffer.from('sps_test_7ramAAK7lFBdGwpMZIEtUNKRq3L8PpBJxlRtNVIhFea1RP31s'), 'hmac-sha256', keys.hmac.credentials.keyid);

const digest = (alg, body) => `${alg}=:${createHash(alg.replace('-', '')).update(body).digest('base64')}:`;
const PARTS = ['@method', '@authority', '@path', '@query'];
const WITH_BODY = [...PARTS, 'content-digest'];
const PARAMS = ['created', 'keyid', 'nonce', 'tag'];
const order = JSON.stringify({ market: 'KRW-BTC', side: 'bid', ord_type: 'limit', price: '100000000', volume: '0.01', identifier: 'bot-7 한글 & more', note: 'x'.repeat(180) });

const cases = [
  { op: 'balances, created keyid nonce tag', key: 'ed25519', target: '/v1/accounts' },
  { op: 'query with brackets, escapes and text', key: 'ed25519', target: '/v1/orders?states[]=wait&states%5B%5D=watch&q=%ED%95%9C%EA%B8%80+a%2Bb&empty=' },
  { op: 'order, all parameters in the library’s order', key: 'ed25519', method: 'POST', target: '/v1/orders?market=KRW-BTC', body: order, name: 'sig1', params: ['keyid', 'alg', 'created', 'expires', 'nonce', 'tag'] },
  { op: 'order, created expires keyid nonce tag', key: 'hmac', method: 'POST', target: '/v1/orders', body: order, params: ['created', 'expires', 'keyid', 'nonce', 'tag'] },
  { op: 'cancel, components and parameters in another order', key: 'hmac', method: 'DELETE', target: '/v1/order?uuid=5f2a', fields: ['@query', '@path', '@authority', '@method'], params: ['created', 'expires', 'nonce', 'alg', 'keyid', 'tag'] },
  { op: 'sha-512 and an unknown digest', key: 'hmac', method: 'POST', target: '/v1/orders', body: order, digest: `md5=:AAAA:, ${digest('sha-512', order)}` },
  { op: 'both digests, label with every character', key: 'ed25519', method: 'PUT', target: '/v1/orders/5f2a', body: '{}', digest: `${digest('sha-512', '{}')}, ${digest('sha-256', '{}')}`, name: 'a-b_c.d*9' },
  { op: 'escaped path, upper case host, default port', key: 'ed25519', target: '/v1/candles/KRW%3ABTC/%ED%95%9C', host: 'API.Example.com:443' },
  { op: 'signed 10 s ago', key: 'hmac', target: '/v1/accounts', clock: 10 },

  { op: 'library defaults: no nonce, no tag', key: 'ed25519', target: '/v1/accounts', defaults: true, expect: 'missing_parameter' },
  { op: 'target uri instead of its parts', key: 'ed25519', target: '/v1/accounts', fields: ['@method', '@target-uri'], expect: 'unknown_component' },
  { op: 'a covered header', key: 'ed25519', target: '/v1/accounts', fields: [...PARTS, 'x-subaccount'], extra: { 'X-Subaccount': '7' }, expect: 'unknown_component' },
  { op: 'one query parameter instead of the query', key: 'ed25519', target: '/v1/order?uuid=5f2a', fields: ['@method', '@authority', '@path', '"@query-param";name="uuid"'], expect: 'component_parameter' },
  { op: 'path not covered', key: 'ed25519', target: '/v1/accounts', fields: ['@method', '@authority', '@query'], expect: 'missing_component' },
  { op: 'signed twice', key: 'ed25519', target: '/v1/accounts', twice: true, expect: 'two_labels' },
  { op: 'other tag', key: 'ed25519', target: '/v1/accounts', tag: 'fapi-2-request', expect: 'wrong_tag' },
  { op: 'short nonce', key: 'ed25519', target: '/v1/accounts', nonce: '1795292455', expect: 'bad_parameter' },
  { op: 'expires 600 s later', key: 'ed25519', target: '/v1/accounts', params: [...PARAMS, 'expires'], expires: 600, expect: 'expires_range' },
  { op: 'expires passed inside the window', key: 'ed25519', target: '/v1/accounts', params: [...PARAMS, 'expires'], expires: 5, clock: 5, expect: 'expired' },
  { op: 'algorithm outside the profile', key: 'hmac', target: '/v1/accounts', params: [...PARAMS, 'alg'], alg: 'rsa-v1_5-sha256', expect: 'alg_unknown' },
  { op: 'algorithm of another key', key: 'hmac', target: '/v1/accounts', params: [...PARAMS, 'alg'], alg: 'ed25519', expect: 'alg_mismatch' },
  { op: 'body without digest', key: 'hmac', method: 'POST', target: '/v1/orders', body: order, fields: PARTS, expect: 'digest_uncovered' },
  { op: 'digest without body', key: 'hmac', target: '/v1/accounts', fields: WITH_BODY, digest: digest('sha-256', ''), expect: 'digest_without_body' },
  { op: 'unknown digest only', key: 'hmac', method: 'POST', target: '/v1/orders', body: order, digest: digest('md5', order), expect: 'digest_unknown' },
  { op: 'right sha-256 beside wrong sha-512', key: 'hmac', method: 'POST', target: '/v1/orders', body: order, digest: `${digest('sha-256', order)}, ${digest('sha-512', 'other')}`, expect: 'digest_mismatch' },
  { op: 'body changed on the way', key: 'hmac', method: 'POST', target: '/v1/orders', body: order, sent: order.replace('0.01', '9.01'), expect: 'digest_mismatch' },
  { op: 'path changed on the way', key: 'hmac', method: 'POST', target: '/v1/orders?x=1', sentTarget: '/v1/withdraws/coin?x=1', expect: 'bad_signature' },
  { op: 'another secret', key: 'hmac', signer: otherSecret, target: '/v1/accounts', expect: 'bad_signature' },
  { op: 'signed 11 s ago', key: 'hmac', target: '/v1/accounts', clock: 11, expect: 'too_old' },
  { op: 'signed 2 s ahead', key: 'hmac', target: '/v1/accounts', clock: -2, expect: 'ahead' },
];

async function signed(c, i) {
  const body = c.body ?? '';
  const headers = { Host: c.host ?? 'api.example.com', ...c.extra };
  if (body) headers['Content-Type'] = 'application/json';
  if (body || c.digest) headers['Content-Digest'] = c.digest ?? digest('sha-256', body);
  const config = {
    key: c.signer ?? keys[c.key].signer,
    name: c.name,
    fields: c.fields ?? (body ? WITH_BODY : PARTS),
    params: c.defaults ? undefined : c.params ?? PARAMS,
    paramValues: {
      created: new Date(CREATED * 1000),
      nonce: c.nonce ?? createHash('sha256').update(`${i} ${c.op}`).digest('base64url').slice(0, 22),
      tag: c.tag ?? 'sallyport-v1',
      ...(c.expires && { expires: new Date((CREATED + c.expires) * 1000) }),
      ...(c.alg && { alg: c.alg }),
    },
  };
  let message = { method: c.method ?? 'GET', url: `https://${headers.Host.toLowerCase()}${c.target}`, headers };
  message = await httpbis.signMessage(config, message);
  if (c.twice) message = await httpbis.signMessage(config, message);
  return message.headers;
}

// send gives the bytes of the request as they arrive on a loopback socket.
function send(c, headers) {
  const body = c.sent ?? c.body ?? '';
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => {
      let raw = Buffer.alloc(0);
      socket.on('data', (chunk) => {
        raw = Buffer.concat([raw, chunk]);
        const head = raw.indexOf('\r\n\r\n');
        if (head < 0 || raw.length < head + 4 + Buffer.byteLength(body)) return;
        socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
        server.close(() => resolve(raw));
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const req = http.request({
        port: server.address().port, method: c.method ?? 'GET', path: c.sentTarget ?? c.target, agent: false,
        headers: { ...headers, ...(body && { 'Content-Length': Buffer.byteLength(body) }) },
      }, (res) => res.resume());
      req.on('error', reject);
      req.end(body);
    });
  });
}

function parse(raw) {
  const text = raw.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const [start, ...lines] = text.slice(0, end).split('\r\n');
  const [method, target] = start.split(' ');
  const [path, ...query] = target.split('?');
  return {
    method, target, path, query: query.join('?'),
    headers: lines.map((l) => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 1).trim()]),
    body: raw.subarray(end + 4).toString('utf8'),
  };
}

const file = process.argv[2];
const captures = existsSync(file) ? JSON.parse(readFileSync(file)).captures.filter((c) => c.signer !== SIGNER) : [];
for (const [i, c] of cases.entries()) {
  const raw = await send(c, await signed(c, i));
  captures.push({
    signer: SIGNER, op: c.op, origin: ORIGIN, credentials: keys[c.key].credentials, clock_ms: (CREATED + (c.clock ?? 0)) * 1000,
    ...parse(raw), raw_base64: raw.toString('base64'), expect: c.expect ?? 'accepted',
  });
}
captures.sort((a, b) => (a.signer < b.signer ? -1 : a.signer > b.signer ? 1 : 0));
writeFileSync(file, JSON.stringify({
  what: 'Requests in the profile sallyport-v1 as independent signers made them, byte for byte. Keys are dummies. Verify with the clock set to clock_ms.',
  note: 'Made by internal/kit/peers/record-native.mjs and record-native.py. raw_base64 = full raw HTTP/1.1 request bytes. expect = accepted, or the reason of the refusal.',
  captures,
}, null, 1) + '\n');
