// A bot's day with ccxt's unmodified class for Upbit: only host and key are ours. It reads {gateway, key, secret, look, revoked} from standard
// input, the last two being keys {key, secret} that may only read and that are no more, and prints one JSON object: step → what ccxt answered,
// or {error: the class it threw, message}.
//
//	node ccxt-upbit.mjs < keys.json
import { readFileSync } from 'node:fs';
import ccxt from 'ccxt';

const { gateway, key, secret, look, revoked } = JSON.parse(readFileSync(0, 'utf8'));

const bot = (apiKey, itsSecret, at = gateway) => new ccxt.upbit({
  apiKey, secret: itsSecret, urls: { api: { public: at, private: at } }, enableRateLimit: false,
});

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
const x = bot(key, secret);
const pick = ({ id, symbol, type, side, price, amount, status }) => ({ id, symbol, type, side, price, amount, status });

await step('markets', async () => Object.keys(await x.loadMarkets()).sort());
await step('ticker', async () => (({ symbol, last, quoteVolume }) => ({ symbol, last, quoteVolume }))(await x.fetchTicker(market)));
await step('book', async () => (({ symbol, bids, asks }) => ({ symbol, bid: bids[0][0], ask: asks[0][0] }))(await x.fetchOrderBook(market)));
await step('balance', async () => (({ KRW, BTC }) => ({ KRW, BTC }))(await x.fetchBalance()));

const low = Math.floor(results.book.bid / 2 / 1000) * 1000;
const placed = await step('limit', async () => pick(await x.createOrder(market, 'limit', 'buy', 0.001, low)));
await step('open', async () => (await x.fetchOpenOrders(market)).map(pick));
await step('order', async () => pick(await x.fetchOrder(placed.id)));
await step('locked', async () => (await x.fetchBalance()).KRW.used);
await step('cancel', async () => pick(await x.cancelOrder(placed.id)));
await step('open afterwards', async () => (await x.fetchOpenOrders(market)).map(pick));
await step('cancelled', async () => pick(await x.fetchOrder(placed.id)));

const bought = await step('market buy', async () => pick(await x.createOrder(market, 'market', 'buy', 1, 20000)));
await step('bought', async () => pick(await x.fetchOrder(bought.id)));
const sold = await step('market sell', async () => pick(await x.createOrder(market, 'market', 'sell', 0.001)));
await step('sold', async () => pick(await x.fetchOrder(sold.id)));
await step('closed', async () => (await x.fetchClosedOrders(market)).map((o) => o.id));

// What ccxt makes of refusals: a bot decides by these classes whether to give up, to wait or to ask its owner.
await step('wrong secret', () => bot(key, secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0')).fetchBalance());
await step('unknown key', () => bot(key.slice(0, -1) + (key.endsWith('0') ? '1' : '0'), secret).fetchBalance());
await step('no funds', () => x.createOrder(market, 'limit', 'buy', 2, low));
await step('no coins', () => x.createOrder(market, 'limit', 'sell', 5, low));
await step('no such order', () => x.fetchOrder('00000000-0000-4000-8000-000000000000'));
await step('cancelled twice', () => x.cancelOrder(placed.id));
await step('too small', () => x.createOrder(market, 'limit', 'buy', 0.00000001, low));
await step('no scope', () => bot(look.key, look.secret).createOrder(market, 'limit', 'buy', 0.001, low));
await step('revoked', () => bot(revoked.key, revoked.secret).fetchBalance());
await step('nonce again', async () => {
  const stuck = bot(look.key, look.secret);
  const nonce = stuck.uuid();
  stuck.uuid = () => nonce;
  await stuck.fetchBalance();
  return stuck.fetchBalance();
});
await step('withdraw', () => x.withdraw('BTC', 0.1, 'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq', undefined, { network: 'BTC' }));
await step('hammering', async () => {
  const wrong = bot(look.key, look.secret.slice(0, -1) + (look.secret.endsWith('0') ? '1' : '0'));
  for (let n = 0; n < 60; n++) {
    try {
      await wrong.fetchBalance();
    } catch (e) {
      if (!(e instanceof ccxt.AuthenticationError)) throw e;
    }
  }
  return 'never told to wait';
});
await step('nobody there', () => bot(key, secret, 'http://127.0.0.1:9').fetchBalance());

process.stdout.write(JSON.stringify(results, null, 1) + '\n');
