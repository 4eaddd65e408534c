/** How much of a refusal is read to see what it is about, in bytes. */
const maxRefusal = 16 << 10;

/** How long a gate that has just started is waited for at most, in milliseconds. */
const maxWait = 5000;

/** What a server can make of our clock at most, in milliseconds. A time zone mistaken for UTC is 14 hours. */
const maxCorrection = 24 * 3600 * 1000;

/** A clock in milliseconds that follows the server's, once the server has refused the time of a signature. */
export class Clock {
  #offset = 0;

  constructor(private readonly local: () => number) {}

  now(): number {
    return this.local() + this.#offset;
  }

  /**
   * After how many milliseconds to sign and send once more; undefined where the answer is the caller's. Both answers were given before anything
   * was done: one refuses the time of a signature, and the server's clock is known afterwards; the other (signature.sign_again) a signature from
   * before the server's own start, and says in Retry-After when it is over. The answer's body stays readable.
   */
  async again(answer: Response): Promise<number | undefined> {
    if (answer.status !== 401) return undefined;
    const problem = parsed(await start(answer.clone()));
    const code = answer.headers.get('Sallyport-Refusal') ?? problem?.code; // the header stands also where a proxy wrote the body
    if (code === 'signature.sign_again') return retryAfter(answer.headers.get('Retry-After') ?? '');
    if (code !== 'signature.too_old' && code !== 'signature.ahead') return undefined;
    const offset = serverTime(problem, answer.headers) - this.local();
    if (!(Math.abs(offset) <= maxCorrection)) return undefined; // also when there is no time: NaN
    this.#offset = offset;
    return 0;
  }
}

async function start(answer: Response): Promise<string> {
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let length = 0; reader && length <= maxRefusal; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    length += value.length;
    text += decoder.decode(value, { stream: true });
  }
  void reader?.cancel(); // the other branch of the clone goes on
  return '';
}

function retryAfter(seconds: string): number | undefined {
  const wait = /^[0-9]{1,9}$/.test(seconds) ? Number(seconds) * 1000 : Infinity;
  return wait <= maxWait ? wait : undefined;
}

interface Problem {
  code?: unknown;
  fields?: { server_time?: unknown };
}

/** The server's clock in a refusal that is about time: its field server_time, or else the header Date; NaN where neither is one. */
function serverTime(problem: Problem | null, headers: Headers): number {
  const at = Date.parse(String(problem?.fields?.server_time));
  return Number.isNaN(at) ? Date.parse(headers.get('Date') ?? '') : at;
}

function parsed(text: string): Problem | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Waits, but no longer than the request's caller does: rejects with the reason of the signal. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) return Promise.resolve();
  return new Promise((done, fail) => {
    const timer = setTimeout(ended, ms);
    function ended(): void {
      signal.removeEventListener('abort', given);
      done();
    }
    function given(): void {
      clearTimeout(timer);
      fail(signal.reason);
    }
    signal.addEventListener('abort', given, { once: true });
    if (signal.aborted) given();
  });
}
