// A bot's morning with ccxt's unmodified classes for Binance and Kraken: only host, key and clock are ours. It reads {venue, gateway, key, look,
// elsewhere, revoked} from standard input, the last four being keys {key, secret}: one that trades, one that may only read, one for another
// address and one that is no more. It prints one JSON object: step → what ccxt answered, or {error: the class it threw, message}.
//
//	node ccxt-venues.mjs < keys.json
import { readFileSync } from 'node:fs';
import ccxt from 'ccxt';

const { venue, gateway, key, look, elsewhere, revoked } = JSON.parse(readFileSync(0, 'utf8'));

function bot({ key, secret }, change = {}) {
  const x = new ccxt[venue]({ apiKey: key, secret, enableRateLimit: false });
  for (const [name, url] of Object.entries(x.urls.api)) {
    if (typeof url === 'string') x.urls.api[name] = url.replace(/^https:\/\/[^/]+/, gateway); // keeps /api/v3
  }
  if (venue === 'binance') {
    x.options.fetchMarkets = { types: ['spot'] };
    x.options.fetchMargins = x.has.fetchCurrencies = false; // ask /sapi, which is not there
  }
  return Object.assign(x, change);
}

const results = {};
async function step(name, call) {
  try {
    results[name] = await call();
  } catch (e) {
    results[name] = { error: e.constructor.name, message: e.message };
  }
  return results[name];
}

const market = 'BTC/KRW';
const x = bot(key);
const pick = ({ id, symbol, type, side, price, amount, filled, status }) => ({ id, symbol, type, side, price, amount, filled, status });
const flip = (s, at) => s.slice(0, at) + (s[at] === 'A' ? 'B' : 'A') + s.slice(at + 1);

await step('markets', async () => Object.keys(await x.loadMarkets()).sort());
await step('book', async () => (({ symbol, bids, asks }) => ({ symbol, bid: bids[0][0], ask: asks[0][0] }))(await x.fetchOrderBook(market)));
await step('balance', async () => (({ KRW, BTC }) => ({ KRW, BTC }))(await x.fetchBalance()));

const low = Math.floor(results.book.bid / 2 / 1000) * 1000;
const placed = await step('limit', async () => pick(await x.createOrder(market, 'limit', 'buy', 0.001, low)));
await step('open', async () => (await x.fetchOpenOrders(market)).map(pick));
await step('order', async () => pick(await x.fetchOrder(placed.id, market)));
await step('locked', async () => (await x.fetchBalance()).KRW.used);
await step('cancel', () => x.cancelOrder(placed.id, market));
await step('open afterwards', async () => (await x.fetchOpenOrders(market)).map(pick));
await step('cancelled', async () => pick(await x.fetchOrder(placed.id, market)));
const bought = await step('market buy', async () => pick(await x.createMarketBuyOrderWithCost(market, 20000)));
await step('bought', async () => pick(await x.fetchOrder(bought.id, market)));
const sold = await step('market sell', async () => pick(await x.createOrder(market, 'market', 'sell', 0.001)));
await step('sold', async () => pick(await x.fetchOrder(sold.id, market)));

// What ccxt makes of refusals: a bot decides by these classes whether to give up, to wait, to set its clock or to ask its owner.
await step('no funds', () => x.createOrder(market, 'limit', 'buy', 2, low));
await step('no such order', () => x.fetchOrder(venue === 'kraken' ? '00000000-0000-4000-8000-000000000000' : '999999999', market));
await step('cancelled twice', () => x.cancelOrder(placed.id, market));
await step('too small', () => x.createOrder(market, 'limit', 'buy', 0.00000001, low));
await step('wrong secret', () => bot({ ...key, secret: flip(key.secret, 20) }).fetchBalance());
await step('unknown key', () => bot({ ...key, key: flip(key.key, 20) }).fetchBalance());
await step('late clock', () => bot(key, { nonce: () => Date.now() - 3_600_000 }).fetchBalance());
const frozen = Date.now() + 500;
const stopped = bot(key, { nonce: () => frozen, markets: x.markets, markets_by_id: x.markets_by_id, symbols: x.symbols });
stopped.options.marketsByAltname = x.options.marketsByAltname;
await step('stopped clock', () => stopped.cancelOrder(placed.id, market));
await step('stopped clock again', () => stopped.cancelOrder(placed.id, market));
await step('no scope', () => bot(look).createOrder(market, 'limit', 'buy', 0.001, low));
await step('other address', () => bot(elsewhere).fetchBalance());
await step('revoked', () => bot(revoked).fetchBalance());
await step('nobody there', () => { const y = bot(key); y.urls.api = JSON.parse(JSON.stringify(y.urls.api).replaceAll(gateway, 'http://127.0.0.1:9')); return y.fetchBalance(); });

process.stdout.write(JSON.stringify(results, null, 1) + '\n');
