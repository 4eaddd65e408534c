// The vectors that all languages share: what the Go package makes of these requests, this one makes too.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Key, KeyError, sign, signatureBase, SignError } from '../dist/index.js';

const vectors = JSON.parse(readFileSync(new URL('../../../spec/vectors/native.json', import.meta.url), 'utf8'));
const keys = await Promise.all(vectors.keys.map((file) => Key.from(file)));
const bytes = ({ body = '', body_base64 }) => (body_base64 ? Uint8Array.from(Buffer.from(body_base64, 'base64')) : new TextEncoder().encode(body));

test('there are vectors', () => {
  assert.deepEqual(keys.map((key) => key.algorithm), ['hmac-sha256', 'ed25519']);
  assert.ok(vectors.signed.length >= 20 && vectors.refused.length >= 50);
});

for (const v of vectors.signed) {
  test(`signed: ${v.name}`, async () => {
    const request = { method: v.method, authority: v.authority, target: v.target, body: bytes(v) };
    assert.equal(signatureBase(request, v.signature_input.replace('sig1=', ''), v.content_digest), v.base);
    for (const key of keys) {
      const { created, nonce } = v;
      assert.deepEqual(await sign(request, key, { created, nonce }), {
        ...(v.content_digest && { 'Content-Digest': v.content_digest }),
        'Signature-Input': v.signature_input,
        Signature: v.signatures[key.algorithm],
      });
    }
  });
}

for (const v of vectors.refused) {
  test(`refused: ${v.name}`, async () => {
    const refusal = { name: 'SignError', reason: v.reason };
    await assert.rejects(sign({ method: v.method, authority: v.authority, target: v.target }, keys[0], { created: 1 }), refusal);
  });
}

test('a nonce is random and never the same', async () => {
  const request = { method: 'GET', authority: 'api.example.com', target: '/' };
  const inputs = await Promise.all([1, 2, 3].map(async () => (await sign(request, keys[0], { created: 1 }))['Signature-Input']));
  assert.equal(new Set(inputs.map((input) => /nonce="([A-Za-z0-9+/]{22}==)"/.exec(input)[1])).size, 3);
});

test('a nonce or a time that the gate would refuse', async () => {
  const request = { method: 'GET', authority: 'api.example.com', target: '/' };
  for (const options of [{ created: 1, nonce: 'short' }, { created: 1, nonce: 'a'.repeat(65) }, { created: 1, nonce: 'a'.repeat(20) + '"' }, { created: 1.5 }, { created: -1 }, { created: NaN }, { created: 1e10 }]) {
    await assert.rejects(sign(request, keys[0], options), SignError);
  }
});

test('every spelling of a private key', async () => {
  const [v] = vectors.signed;
  for (const privateKey of vectors.private_keys) {
    const key = await Key.from({ ...vectors.keys[1], private_key: privateKey });
    assert.equal((await sign(v, key, { created: v.created, nonce: v.nonce })).Signature, v.signatures.ed25519, privateKey);
  }
  for (const privateKey of vectors.bad_private_keys) {
    await assert.rejects(Key.from({ ...vectors.keys[1], private_key: privateKey }), KeyError, privateKey);
  }
});
