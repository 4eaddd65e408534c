import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { createFetch, Key, KeyError } from '../dist/index.js';

const id = 'spk_test_0QXEgX2jWA7pyIQetVgSzs09R2xp';
const secret = 'sps_test_5F3qm6skVUn5VxsuNWpGKFYIYhYkwY7XyZC8lD0ZBNA2iocvj';
const seed = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=';
const hmac = { key_id: id, algorithm: 'hmac-sha256', dialect: 'native', secret };
const ed25519 = { key_id: id, algorithm: 'ed25519', dialect: 'native', private_key: seed };

test('whatever prints a key shows its id at most', async () => {
  for (const file of [hmac, ed25519]) {
    const key = await Key.from(JSON.stringify(file));
    const client = createFetch({ key, origin: 'https://api.example.com' });
    const printed = [
      String(key), `${key}`, JSON.stringify({ key }), inspect(key, { depth: 9, showHidden: true }), inspect({ key, client }, { depth: 9, customInspect: false, showHidden: true }),
      JSON.stringify(Object.entries(key)), JSON.stringify(structuredClone({ ...key })), inspect(client, { showHidden: true, depth: 9 }),
    ].join('\n');
    assert.ok(printed.includes(id));
    for (const hidden of [secret, secret.slice(9), seed, '7, 7, 7', '07 07']) assert.ok(!printed.includes(hidden), printed);
  }
});

test('what is no key file is refused without quoting it', async () => {
  const files = {
    'no JSON': secret, null: 'null', text: `"${secret}"`, 'other dialect': { ...hmac, dialect: 'upbit' }, 'no dialect': { ...hmac, dialect: undefined },
    'no id': { ...hmac, key_id: '' }, 'an id with a quote': { ...hmac, key_id: 'a"b' }, 'an id that is no text': { ...hmac, key_id: 7 }, 'a long id': { ...hmac, key_id: 'x'.repeat(256) },
    'no secret': { ...hmac, secret: '' }, 'no private key': { ...ed25519, private_key: undefined }, 'a secret as private key': { ...ed25519, private_key: secret },
    'other algorithm': { ...hmac, algorithm: 'ed448' },
  };
  for (const [name, file] of Object.entries(files)) {
    await assert.rejects(Key.from(file), (error) => {
      assert.ok(error instanceof KeyError, name);
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(secret.slice(9)), name);
      return true;
    });
  }
});
