import assert from 'node:assert/strict';
import test from 'node:test';
import { createFetch, Key, SignError } from '../dist/index.js';

const origin = 'https://api.example.com:8443';
const key = await Key.from({ key_id: 'spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp', algorithm: 'hmac-sha256', dialect: 'native', secret: 'sps_test_x' });
const server = Date.UTC(2026, 10, 21, 12);
const answer = (body, status = 200, headers = {}) => new Response(body, { status, headers });
const tooOld = (at) => JSON.stringify({ code: 'signature.too_old', fields: { server_time: at } });

/** A client whose requests are kept, and whose n-th is answered by the n-th answer. */
function client(answers, options = {}) {
  const sent = [];
  const fetch = async (request) => {
    sent.push(request);
    return answers[sent.length - 1] ?? answer('late');
  };
  return { sent, send: createFetch({ key, origin, fetch, now: () => server - 3600_000, ...options }) };
}

const created = (request) => Number(/created=(\d+)/.exec(request.headers.get('Signature-Input'))[1]);

test('a request keeps what it had and gets a signature', async () => {
  const { sent, send } = client([]);
  await send('/v1/orders?a=%ed&b=한', { method: 'POST', body: '{"a":1}', headers: { 'Content-Type': 'application/json', 'X-Mine': '1' } });
  await send(new Request(`${origin}/v1/accounts`));
  await send(new URL(`${origin}/v1/orders`), { method: 'POST', body: '' });
  await send('/v1/orders', { method: 'DELETE' });
  assert.equal(sent[0].url, `${origin}/v1/orders?a=%ed&b=%ED%95%9C`);
  assert.equal(await sent[0].text(), '{"a":1}');
  assert.deepEqual(
    ['Content-Type', 'X-Mine', 'Content-Digest'].map((name) => sent[0].headers.get(name)),
    ['application/json', '1', 'sha-256=:AVq9f1zFei3ZS3WQ8ErYCEJzkF7jPsXOvq5iJ2qX+GI=:'],
  );
  for (const request of sent) assert.match(request.headers.get('Signature'), /^sig1=:[A-Za-z0-9+/]{43}=:$/);
  assert.deepEqual(sent.map((request) => request.headers.has('Content-Digest')), [true, false, false, false]);
});

test('a clock that is off costs one request, once', async () => {
  for (const [refusal, headers] of [[tooOld(new Date(server).toISOString()), {}], [tooOld('noon'), { Date: new Date(server).toUTCString() }], ['<html>', { Date: new Date(server).toUTCString(), 'Sallyport-Refusal': 'signature.too_old' }], [tooOld(new Date(server).toISOString()).replace('too_old', 'ahead'), {}]]) {
    const { sent, send } = client([answer(refusal, 401, headers)]);
    for (let i = 0; i < 3; i++) assert.equal(await (await send('/v1/orders', { method: 'POST', body: 'x' })).text(), 'late');
    assert.deepEqual(sent.map(created), [server / 1000 - 3600, server / 1000, server / 1000, server / 1000]);
    assert.equal(new Set(sent.map((request) => request.headers.get('Signature-Input'))).size, 4, 'each with a nonce of its own');
    assert.equal(await sent[1].text(), 'x');
  }
});

test('a gate that goes on refusing gets two requests', async () => {
  const refusal = () => answer(tooOld(new Date(server).toISOString()), 401);
  const { sent, send } = client([refusal(), refusal(), refusal()]);
  assert.equal((await send('/')).status, 401);
  assert.equal(sent.length, 2);
});

const signAgain = '{"code":"signature.sign_again","status":401}';

test('a gate that has just started is waited for once', async (t) => {
  const waits = [];
  t.mock.method(globalThis, 'setTimeout', (done, ms) => { waits.push(ms); queueMicrotask(done); });
  for (const [answers, waited, status] of [
    [[[signAgain, 401, { 'Retry-After': '2' }]], [2000], 200],
    [[['<html>', 401, { 'Sallyport-Refusal': 'signature.sign_again', 'Retry-After': '5' }]], [5000], 200],
    [[[signAgain, 401, { 'Retry-After': '2' }], [signAgain, 401, { 'Retry-After': '2' }]], [2000], 401],
    [[[signAgain, 401]], [], 401],
    [[[signAgain, 401, { 'Retry-After': '6' }]], [], 401],
    [[[signAgain, 401, { 'Retry-After': '-1' }]], [], 401],
    [[[signAgain, 401, { 'Retry-After': 'soon' }]], [], 401],
    [[[signAgain, 503, { 'Retry-After': '2' }]], [], 503],
  ]) {
    waits.length = 0;
    const { sent, send } = client(answers.map((a) => answer(...a)));
    assert.equal((await send('/v1/orders', { method: 'POST', body: 'x' })).status, status);
    assert.deepEqual(waits, waited);
    assert.equal(new Set(sent.map((request) => request.headers.get('Signature-Input'))).size, 1 + waited.length, 'each with a nonce of its own');
    for (const request of sent) assert.equal(await request.text(), 'x');
  }
});

test('a caller who gives up does not wait for a gate that has just started', async () => {
  const controller = new AbortController();
  const { sent, send } = client([answer(signAgain, 401, { 'Retry-After': '5' })]);
  const sending = send('/', { signal: controller.signal });
  setImmediate(() => controller.abort(new Error('given up')));
  await assert.rejects(sending, /given up/);
  assert.equal(sent.length, 1);
});

test('other answers are the caller\'s, whole', async () => {
  for (const [body, status = 401] of [
    ['{"code":"unauthorized","fields":{"server_time":"2026-11-21T12:00:00Z"}}'], ['<html>'], [''], ['null'], ['7'], [tooOld('2036-11-21T12:00:00Z')], [tooOld('noon')],
    ['x'.repeat(100_000)], [tooOld(new Date(server).toISOString()) + ' '.repeat(100_000)], [tooOld(new Date(server).toISOString()), 403],
  ]) {
    const { sent, send } = client([answer(body, status)]);
    const got = await send('/');
    assert.equal(got.status, status);
    assert.equal(await got.text(), body);
    assert.equal(sent.length, 1);
  }
});

test('a signature leaves for one origin and follows no redirect', async () => {
  const { sent, send } = client([]);
  for (const elsewhere of ['https://api.example.com/', 'http://api.example.com:8443/', '//evil.example/', 'https://api.example.com.evil.example:8443/', new Request('https://evil.example/')]) {
    await assert.rejects(send(elsewhere), TypeError);
  }
  assert.equal(sent.length, 0);
  await send('/');
  await send('/', { redirect: 'error' });
  assert.deepEqual(sent.map((request) => request.redirect), ['manual', 'error']);
});

test('what cannot be signed is not sent', async () => {
  const { sent, send } = client([], { maxBody: 4 });
  await assert.rejects(send('/v1//accounts'), (error) => error instanceof SignError && error.reason === 'empty_segment');
  await assert.rejects(send('/', { method: 'POST', body: '12345' }), RangeError);
  await send('/', { method: 'POST', body: '1234' });
  assert.equal(sent.length, 1);
});

test('a caller who gives up is obeyed', async () => {
  const { sent, send } = client([]);
  const controller = new AbortController();
  await send('/', { signal: controller.signal });
  controller.abort();
  assert.ok(sent[0].signal.aborted);
});
