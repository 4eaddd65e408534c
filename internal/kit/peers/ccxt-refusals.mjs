// What ccxt's unmodified classes throw at refusals: it reads {venue: {name: {status, body}}} from standard input, the body as text, lets each
// class read it as it reads any answer, and prints {venue: {name: class}}.
//
//	node ccxt-refusals.mjs < refusals.json
import { readFileSync } from 'node:fs';
import ccxt from 'ccxt';

function thrown(x, { status, body }) {
  try {
    const answer = x.parseJson(body);
    if (!x.handleErrors(status, 'refused', 'https://api.example.com/v1/orders', 'POST', {}, body, answer, {}, undefined)) {
      x.handleHttpStatusCode(status, 'refused', 'https://api.example.com/v1/orders', 'POST', body);
    }
    return 'nothing';
  } catch (e) {
    return e.constructor.name;
  }
}

const classes = {};
for (const [venue, refusals] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  const x = new ccxt[venue]();
  classes[venue] = Object.fromEntries(Object.entries(refusals).map(([name, refusal]) => [name, thrown(x, refusal)]));
}
process.stdout.write(JSON.stringify(classes, null, 1) + '\n');
