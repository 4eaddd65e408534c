/**
 * Signs requests to a Sallyport gate with an API key, in browsers and in Node from 20 on, with nothing but what they bring.
 *
 * It knows the native profile (docs/signing.md) and nothing of what the requests mean. No error, no printed object and no log of a key
 * or a client shows a secret: the text of a secret is not kept.
 */
export { createFetch } from './fetch.js';
export type { FetchOptions } from './fetch.js';
export { Key } from './key.js';
export type { Algorithm, KeyFile } from './key.js';
export { KeyError } from './key.js';
export { sign, signatureBase } from './sign.js';
export type { SignableRequest, Signed, SignOptions } from './sign.js';
export { SignError } from './target.js';
export type { Reason } from './target.js';
