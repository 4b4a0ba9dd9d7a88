import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { nextTurn, stringifyInTurns } from './turns.ts';

describe('a turn', () => {
  it('lets sockets be looked at, also where it is taken while one is', async (t) => {
    let looked = 0;
    const server = createServer(async (request, reply) => {
      looked += 1;
      if (request.url === '/other') return void reply.end();
      while (looked < 2) await nextTurn(); // ends only if the other request comes in meanwhile
      reply.end();
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const replies = await Promise.all([fetch(`${url}/first`), fetch(`${url}/other`)]);
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200],
    );
  });
});

describe('JSON in turns', () => {
  it('is that of the whole array', async () => {
    const items = [{ a: 1 }, 'x'.repeat(200_000), null, [1, 2]];
    assert.equal(await stringifyInTurns(items), JSON.stringify(items));
    assert.equal(await stringifyInTurns([]), '[]');
  });
});
