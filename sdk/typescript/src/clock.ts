/** How much of a refusal is read to see whether it is about the clock, in bytes. */
const maxRefusal = 16 << 10;

/** What a server can make of our clock at most, in milliseconds. A time zone mistaken for UTC is 14 hours. */
const maxCorrection = 24 * 3600 * 1000;

/** A clock in milliseconds that follows the server's, once the server has refused the time of a signature. */
export class Clock {
  #offset = 0;

  constructor(private readonly local: () => number) {}

  now(): number {
    return this.local() + this.#offset;
  }

  /** Whether an answer refuses the time of a signature and the server's clock is now known. The answer's body stays readable. */
  async correct(answer: Response): Promise<boolean> {
    if (answer.status !== 401) return false;
    const server = serverTime(await start(answer.clone()), answer.headers);
    const offset = server - this.local();
    if (!(Math.abs(offset) <= maxCorrection)) return false; // also when there is no time: NaN
    this.#offset = offset;
    return true;
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

/**
 * The server's clock in a refusal that is about time: its field server_time, or else the header Date; NaN in any other answer. The header
 * Sallyport-Refusal says what was refused also where a proxy wrote the body.
 */
function serverTime(text: string, headers: Headers): number {
  const problem = parsed(text);
  const code = headers.get('Sallyport-Refusal') ?? problem?.code;
  if (code !== 'signature.too_old' && code !== 'signature.ahead') return NaN;
  const at = Date.parse(String(problem?.fields?.server_time));
  return Number.isNaN(at) ? Date.parse(headers.get('Date') ?? '') : at;
}

function parsed(text: string): { code?: unknown; fields?: { server_time?: unknown } } | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
