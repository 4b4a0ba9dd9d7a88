// What a request makes ends with it. V8 tells what its small collections found alive for a second
// time, and moved to the old generation, where it stays until a large collection.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { it } from 'node:test';
import { serveQuickly } from './support/server.ts';

const CALLERS = 32;
const REQUESTS = 15_000;
/** Of what was made. It is 0.0005 as it should be, and was 0.25. */
const MOST_KEPT = 0.02;

it('What requests have made is let go of when they are answered', async (t) => {
  const { url, said } = await serveQuickly(t, { flags: ['--trace-gc-nvp'] });
  const agent = new Agent({ keepAlive: true, maxSockets: CALLERS });
  t.after(() => agent.destroy());
  const ping = async () => {
    const [answer] = await once(get(`${url}/api/hooks/v1/ping`, { agent }), 'response');
    assert.equal(answer.resume().statusCode, 200);
    await once(answer, 'end');
  };
  const ask = async (times: number) => {
    const caller = async () => {
      for (let at = 0; at < times / CALLERS; at += 1) await ping();
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
  };
  await ask(REQUESTS / 3); // the server is compiled meanwhile, and its caches filled
  const before = said().length;
  await ask(REQUESTS);
  const collections = said()
    .slice(before)
    .split('\n')
    .filter((line) => / gc=s /.test(line));
  const sum = (what: string) =>
    collections.reduce((total, line) => total + Number(new RegExp(` ${what}=(\\d+)`).exec(line)?.[1] ?? 0), 0);
  assert.ok(collections.length > 0);
  assert.ok(sum('promoted') <= MOST_KEPT * sum('allocated'), `${sum('promoted')} of ${sum('allocated')} bytes`);
});
