import { Clock, pause } from './clock.js';
import type { Key } from './key.js';
import { sign, type SignableRequest } from './sign.js';

export interface FetchOptions {
  key: Key;
  /** The only place that gets signed requests: scheme://host[:port]. Addresses without an origin are resolved against it. */
  origin: string;
  /** Sends; by default the global fetch. */
  fetch?: typeof globalThis.fetch;
  /** The local clock in milliseconds; by default Date.now. */
  now?: () => number;
  /** Bounds a body in bytes, because a body is held in memory to be signed; by default 1 MiB. */
  maxBody?: number;
}

/** A request whose body has been read. */
type Signable = SignableRequest & { body: Uint8Array<ArrayBuffer> };

/**
 * A fetch that signs what it sends. When the gate refuses the time of a signature, it takes the gate's clock, keeps the difference for later
 * requests, signs once more and sends once more. When the gate has just started (signature.sign_again), it waits as long as that asks, five
 * seconds at the most, and does the same. A second refusal is the caller's. Redirects are handed to the caller: a signature is good for
 * one request, and leaves for no other origin.
 *
 * Rejects with TypeError for another origin, RangeError for a longer body, SignError for a request that the gate would refuse.
 */
export function createFetch(options: FetchOptions): typeof globalThis.fetch {
  const { key, fetch = globalThis.fetch, now = Date.now, maxBody = 1 << 20 } = options;
  const origin = new URL(options.origin).origin;
  const clock = new Clock(now);

  return async (input, init) => {
    const request = new Request(typeof input === 'string' ? new URL(input, origin) : input, init);
    const url = new URL(request.url);
    if (url.origin !== origin) throw new TypeError(`the key signs for ${origin} only`);
    const body = new Uint8Array(await request.arrayBuffer());
    if (body.length > maxBody) throw new RangeError(`a body of ${body.length} bytes is too large to sign; the bound is ${maxBody}`);
    const signable: Signable = { method: request.method, authority: url.host, target: url.pathname + url.search, body };

    const answer = await fetch(await signed(request, signable));
    const wait = await clock.again(answer);
    if (wait === undefined) return answer;
    await answer.body?.cancel();
    await pause(wait, request.signal);
    return fetch(await signed(request, signable));
  };

  async function signed(request: Request, signable: Signable): Promise<Request> {
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(await sign(signable, key, { created: Math.floor(clock.now() / 1000) }))) headers.set(name, value);
    return new Request(request, {
      headers,
      redirect: request.redirect === 'error' ? 'error' : 'manual',
      ...(request.method !== 'GET' && request.method !== 'HEAD' && { body: signable.body }),
    });
  }
}
