import assert from 'node:assert/strict';
import { it } from 'node:test';
import { freshDatabase } from '../../test/support/database.ts';
import { createFakeClock } from '../../test/support/fake-clock.ts';
import { eventually, lastFirst } from '../../test/support/wait.ts';
import type { OutgoingMessage } from '../broker/broker.ts';
import { toIso } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { createMetrics } from '../core/metrics.ts';
import { createSecretBox } from '../core/secret-box.ts';
import type { ApiMethod } from '../http/api-method.ts';
import { createTimers } from '../timers/create-timers.ts';
import { createStandaloneAuth } from './standalone-auth.ts';

const HOUR = 3_600_000;

it('each change of a client or a role is published with it, and nothing else is', async (test) => {
  const t = lastFirst(test);
  const database = await freshDatabase(t, { poolSize: 4 });
  const clock = createFakeClock();
  const timers = createTimers({ database, clock, log: silentLog, metrics: createMetrics() });
  const published: OutgoingMessage[] = [];
  let fails = false;
  const broker = {
    publish: async (_tx: unknown, messages: readonly OutgoingMessage[]) => {
      if (fails) throw new Error('the broker takes nothing');
      published.push(...messages);
    },
  };
  const secretBox = createSecretBox(Buffer.alloc(32, 7));
  const auth = await createStandaloneAuth({
    database,
    secretBox,
    clock,
    log: silentLog,
    rootUrl: undefined,
    timers,
    broker,
  });
  t.after(async () => auth[Symbol.asyncDispose]());
  const call = async (name: string, id: string, payload: unknown = {}) => {
    const { handle } = auth.api.methods.find((method) => method.name === name) as ApiMethod;
    const caller = { clientId: 'me', scopes: ['*'] };
    const request = { params: { clientId: id, roleId: id }, payload, caller, requestId: 'r', authorize: () => {} };
    await handle(request as unknown as Parameters<typeof handle>[0]);
  };
  const client = { expires: toIso(clock.now() + HOUR), description: '', scopes: ['a'], deleteOnExpiration: true };
  const role = { description: '', scopes: ['a'] };
  const said = () =>
    published.splice(0).map(({ exchange, routingKey, body }) => {
      assert.match(exchange, /^exchange\/taskcluster-auth\/v1\//);
      assert.equal(routingKey, '_');
      return `${exchange.split('/').at(-1)} ${JSON.stringify(body)}`;
    });

  await call('createClient', 'c', client);
  await call('createClient', 'c', client); // the same again
  await call('updateClient', 'c', { ...client, description: 'd' });
  await call('resetAccessToken', 'c');
  await call('disableClient', 'c');
  await call('disableClient', 'c');
  await call('enableClient', 'c');
  await call('deleteClient', 'c');
  await call('deleteClient', 'c');
  const aboutClient = (event: string) => `client-${event} {"version":1,"clientId":"c"}`;
  assert.deepEqual(said(), ['created', ...Array(4).fill('updated'), 'deleted'].map(aboutClient));

  await call('createRole', 'r', role);
  await call('createRole', 'r', role);
  await call('updateRole', 'r', { ...role, scopes: [] });
  await call('deleteRole', 'r');
  await call('deleteRole', 'r');
  const aboutRole = (event: string) => `role-${event} {"version":1,"roleId":"r"}`;
  assert.deepEqual(said(), ['created', 'updated', 'deleted'].map(aboutRole));

  fails = true;
  await assert.rejects(call('createRole', 'r', role), /the broker takes nothing/);
  assert.equal(await auth.roles.find('r'), undefined, 'no change without its message');
  fails = false;

  await call('createClient', 'c', client);
  const ending = new AbortController();
  const running = timers.run(ending.signal);
  await clock.asleep();
  await clock.advance(HOUR);
  await eventually('the client has expired', () => published.length === 2);
  assert.deepEqual(said(), ['created', 'deleted'].map(aboutClient));
  ending.abort();
  await running;
});
