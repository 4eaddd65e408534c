import { toBase64 } from './base64.js';
import type { Key } from './key.js';
import { canonicalAuthority, check, SignError, split } from './target.js';

/** A request as it will go over the wire. */
export interface SignableRequest {
  method: string;
  /** host[:port] as the server is addressed. */
  authority: string;
  /** The request target in origin form, path[?query], with every escape as it will be sent. */
  target: string;
  body?: Uint8Array | undefined;
}

export interface SignOptions {
  /** When the signature is made, in whole seconds since 1970; the gate takes it for some 10 s. */
  created: number;
  /** 16 to 64 characters, never used before. Left out, it is random: 128 bits. */
  nonce?: string;
}

/** The header lines that sign a request, with the names as they are written. They replace lines of the same names. */
export interface Signed {
  'Content-Digest'?: string;
  'Signature-Input': string;
  Signature: string;
}

const label = 'sig1';

/**
 * Signs a request in the native profile. The bytes that are sent must be the bytes that were signed.
 * Throws SignError for a request that the gate would refuse.
 */
export async function sign(request: SignableRequest, key: Key, options: SignOptions): Promise<Signed> {
  const { created, nonce = randomNonce() } = options;
  if (!Number.isInteger(created) || created < 0 || created >= 1e10 || !/^[A-Za-z0-9._~+/=-]{16,64}$/.test(nonce)) throw new SignError('bad_parameter');
  const digest = request.body?.length ? `sha-256=:${toBase64(await sha256(request.body))}:` : undefined;
  const covered = `("@method" "@authority" "@path" "@query"${digest ? ' "content-digest"' : ''})`;
  const params = `${covered};created=${created};keyid="${key.keyId}";nonce="${nonce}";tag="sallyport-v1"`;
  const signature = await key.sign(new TextEncoder().encode(signatureBase(request, params, digest)));
  return {
    ...(digest && { 'Content-Digest': digest }),
    'Signature-Input': `${label}=${params}`,
    Signature: `${label}=:${toBase64(signature)}:`,
  };
}

/**
 * The text under a signature (RFC 9421 §2.5), to be compared with the one that the gate shows for a test key. params are what stands behind
 * the label in Signature-Input, digest the value of Content-Digest when it is covered.
 */
export function signatureBase(request: SignableRequest, params: string, digest?: string): string {
  check(request.method, request.authority, request.target);
  const [path, query] = split(request.target);
  return [
    `"@method": ${request.method}`,
    `"@authority": ${canonicalAuthority(request.authority)}`,
    `"@path": ${path}`,
    `"@query": ?${query}`,
    ...(digest ? [`"content-digest": ${digest}`] : []),
    `"@signature-params": ${params}`,
  ].join('\n');
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice()));
}

function randomNonce(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(16)));
}
