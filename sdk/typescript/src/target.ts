/** Why a request cannot be signed: the words of the Go package sign and of the gate. */
export type Reason =
  | 'method_refused'
  | 'authority_malformed'
  | 'target_form'
  | 'dot_segment'
  | 'empty_segment'
  | 'path_byte'
  | 'path_escape'
  | 'query_byte'
  | 'too_large'
  | 'bad_parameter';

/** A request that the gate would refuse, and that is therefore not signed. */
export class SignError extends Error {
  override readonly name = 'SignError';
  constructor(readonly reason: Reason) {
    super(`a request like this cannot be signed: ${reason}`);
  }
}

const maxAuthority = 255 + 6; // a name (RFC 1035 §2.3.4), a colon and a port
const maxTarget = 8 << 10;

/** Refuses a request of which two readers could disagree what it asks for. Nothing is repaired. */
export function check(method: string, authority: string, target: string): void {
  if (!/^[A-Z-]+$/.test(method)) throw new SignError('method_refused');
  checkAuthority(authority);
  if (target.length > maxTarget) throw new SignError('too_large');
  const [path, query] = split(target);
  checkPath(path);
  if (!/^[!-~]*$/.test(query) || /[#;]|%(?![0-9A-Fa-f]{2})/.test(query)) throw new SignError('query_byte');
}

/** The raw path and the raw query without its question mark. An absent and an empty query are alike (RFC 9421 §2.2.7). */
export function split(target: string): [path: string, query: string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}

/** The value of `@authority` (RFC 9421 §2.2.3): lower case, without the port when it is 80 or 443. */
export function canonicalAuthority(authority: string): string {
  return authority.replace(/:(?:443|80)$/, '').toLowerCase();
}

/** A name, an IPv4 address, or an IPv6 address in brackets, and perhaps a port; no user before it (RFC 3986 §3.2). */
const hostAndPort = /^(?:[A-Za-z0-9._-]+|\[:*[A-Za-z0-9._-][A-Za-z0-9._:-]*\])(?::(?:0|[1-9][0-9]{0,4}))?$/;

function checkAuthority(authority: string): void {
  if (authority.length > maxAuthority) throw new SignError('too_large');
  if (!hostAndPort.test(authority)) throw new SignError('authority_malformed');
}

function checkPath(path: string): void {
  if (!path.startsWith('/')) throw new SignError('target_form');
  const segments = path.slice(1).split('/');
  segments.forEach((segment, i) => {
    // Escapes in a row may be one character, so they are read together. A percent sign that begins none stands alone.
    for (const piece of segment.match(/(?:%[0-9A-Fa-f]{2})+|[^]/g) ?? []) {
      if (piece === '%') throw new SignError('path_escape');
      if (piece.startsWith('%')) checkEscapes(piece);
      else if (!/[A-Za-z0-9._~!$&'()*+,=:@-]/.test(piece)) throw new SignError('path_byte');
    }
    if (segment === '' && i < segments.length - 1) throw new SignError('empty_segment'); // a path may end in a slash
    if (segment === '.' || segment === '..') throw new SignError('dot_segment');
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** An escape stands for a character that must or may be escaped and means nothing to a path. */
function checkEscapes(run: string): void {
  const bytes = Uint8Array.from(run.slice(1).split('%'), (digits) => parseInt(digits, 16));
  for (const byte of bytes) {
    if (byte < 0x20 || byte === 0x7f || /[A-Za-z0-9._~/\\%?#;-]/.test(String.fromCharCode(byte))) throw new SignError('path_escape');
  }
  try {
    utf8.decode(bytes);
  } catch {
    throw new SignError('path_escape');
  }
}
