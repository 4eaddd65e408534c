import { fromBase64, toBase64 } from './base64.js';

export type Algorithm = 'hmac-sha256' | 'ed25519';

/** A key as its holder keeps it: what the dashboard offers for download, and what `sallyport key create` and the demo write. */
export interface KeyFile {
  key_id: string;
  algorithm: string;
  dialect: string;
  /** Of an HMAC key, exactly as it was shown. */
  secret?: string;
  /** Of an Ed25519 key: PEM with PKCS #8, or seed (and public key) in base64 or hexadecimal. */
  private_key?: string;
  environment?: string;
  scopes?: string[];
}

/** A key file that cannot be read. The message never quotes what was in it. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

/**
 * An API key that signs. Its secret lies in a CryptoKey that gives it out to nobody, so whatever prints, clones or serialises a Key shows
 * its id at most.
 */
export class Key {
  readonly #crypto: CryptoKey;

  private constructor(
    /** The public id, sent as `keyid`. */
    readonly keyId: string,
    readonly algorithm: Algorithm,
    secret: CryptoKey,
  ) {
    this.#crypto = secret;
  }

  /** Reads a key file, as its JSON text or parsed. Throws KeyError. */
  static async from(file: string | KeyFile): Promise<Key> {
    const { key_id: keyId, algorithm, dialect, secret, private_key: privateKey } = typeof file === 'string' ? parse(file) : file;
    if (dialect !== 'native') throw new KeyError('this package signs keys of the dialect native only');
    if (typeof keyId !== 'string' || !/^[!#-[\]-~]{1,255}$/.test(keyId)) throw new KeyError('key_id is missing: copy it from where the key was made');
    switch (algorithm) {
      case 'hmac-sha256':
        if (typeof secret !== 'string' || secret === '') throw new KeyError('secret is missing');
        return new Key(keyId, algorithm, await hmacKey(secret));
      case 'ed25519':
        return new Key(keyId, algorithm, await ed25519Key(String(privateKey ?? '')));
      default:
        throw new KeyError('the algorithm does not belong to the dialect native: want ed25519 or hmac-sha256');
    }
  }

  /** Signs bytes. */
  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign(this.#crypto.algorithm.name, this.#crypto, bytes.slice()));
  }

  toString(): string {
    return this.keyId;
  }

  toJSON(): { key_id: string; algorithm: Algorithm } {
    return { key_id: this.keyId, algorithm: this.algorithm };
  }

  /** What Node's console prints. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Key(${this.keyId})`;
  }
}

function parse(text: string): KeyFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // JSON.parse quotes the text that it stumbled over, which may be the secret.
  }
  if (typeof parsed !== 'object' || parsed === null) throw new KeyError('this is no key file: it holds no JSON object');
  return parsed as KeyFile;
}

function hmacKey(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}

/** PKCS #8 of an Ed25519 key up to its 32-byte seed (RFC 8410 §7). */
const pkcs8Prefix = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

async function ed25519Key(text: string): Promise<CryptoKey> {
  const raw = keyBytes(text.replaceAll('\\n', '\n').trim());
  try {
    if (raw?.length === 64) await checkHalves(raw);
    const pkcs8 = raw?.length === 32 || raw?.length === 64 ? Uint8Array.of(...pkcs8Prefix, ...raw.subarray(0, 32)) : raw;
    if (pkcs8) return await importEd25519(pkcs8, false);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'NotSupportedError') {
      throw new KeyError('this browser or runtime has no Ed25519 in WebCrypto: use a newer one, or an HMAC key');
    }
  }
  throw new KeyError('private_key is no Ed25519 private key');
}

function importEd25519(pkcs8: Uint8Array<ArrayBuffer>, extractable: boolean): Promise<CryptoKey> {
  return crypto.subtle.importKey('pkcs8', pkcs8, { name: 'Ed25519' }, extractable, ['sign']);
}

/** Throws when 64 bytes are not a seed and its own public key. */
async function checkHalves(raw: Uint8Array): Promise<void> {
  const { x } = await crypto.subtle.exportKey('jwk', await importEd25519(Uint8Array.of(...pkcs8Prefix, ...raw.subarray(0, 32)), true));
  if (toBase64(fromBase64(x ?? '') ?? new Uint8Array()) !== toBase64(raw.subarray(32))) throw new KeyError('the halves differ');
}

/** Takes the wrapping off: one PEM block, hexadecimal or base64. */
function keyBytes(text: string): Uint8Array<ArrayBuffer> | undefined {
  const pem = /^-----BEGIN PRIVATE KEY-----([^-]*)-----END PRIVATE KEY-----$/.exec(text);
  if (pem) return fromBase64(pem[1]!.replace(/\s/g, ''));
  if (/^(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{128})$/.test(text)) {
    return Uint8Array.from(text.match(/../g)!, (digits) => parseInt(digits, 16));
  }
  const raw = fromBase64(text);
  return raw?.length === 32 || raw?.length === 64 ? raw : undefined; // PKCS #8 comes as PEM
}
