// Publishing and watching by hand, as people call it, on both brokers.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { newRabbitmqName, onChannel, openRabbitmq, RABBITMQ_URL, WITHOUT_RABBITMQ } from '../support/rabbitmq.ts';
import { startServerProcess } from '../support/server-process.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { GREETING, newWorld, type Running, type World } from './command-world.ts';

type Shown = {
  readonly routingKey: string;
  readonly payload?: unknown;
  readonly text?: string;
  readonly hook?: { readonly outcome: string; readonly reason?: string };
};

const shownBy = (watching: Running): Shown[] =>
  watching
    .out()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Shown);

const BROKERS = [
  { name: 'the broker in the database', skip: false, env: {} },
  { name: 'RabbitMQ', skip: WITHOUT_RABBITMQ, env: { AMQP_URL: RABBITMQ_URL } },
] as const;

for (const { name: broker, skip, env } of BROKERS) {
  describe(`pulse, on ${broker}`, { skip }, () => {
    let world: World;
    const isRabbitmq = 'AMQP_URL' in env;
    const undo = new AsyncDisposableStack();
    const t = lastFirst({ after: (step) => undo.defer(step) });
    before(async () => {
      world = await newWorld(t, env);
    });
    after(() => undo.disposeAsync());

    /** An exchange that is there. */
    const newExchange = async (): Promise<string> => {
      const exchange = newRabbitmqName('pulse');
      if (!isRabbitmq) return exchange;
      const rabbitmq = await openRabbitmq(t);
      await onChannel(rabbitmq, (channel) => channel.assertExchange(exchange, 'topic'));
      t.after(async () => {
        await onChannel(rabbitmq, (channel) => channel.deleteExchange(exchange));
      });
      return exchange;
    };
    const watch = async (...args: readonly string[]): Promise<Running> => {
      const watching = world.start(['pulse', 'watch', ...args]);
      const isWatching = () => watching.err().includes('Watching') || watching.process.exitCode !== null;
      await eventually('it watches', isWatching);
      return watching;
    };
    const publish = (exchange: string, key: string, payload: object) =>
      world.run(['pulse', 'publish', exchange, key, '--payload', JSON.stringify(payload)]);

    it('publish says what became of the message', async () => {
      const exchange = await newExchange();
      const nobody = await publish(exchange, 'a.b', { n: 1 });
      assert.equal(nobody.status, 0, nobody.err);
      assert.match(nobody.out, /^Published the message [\w-]{22}\.\n$/);
      assert.equal(nobody.err, 'Nobody is bound to it: no queue got it.\n');
      const watching = await watch(exchange, '#', '--json', '--count', '3');
      await writeFile(join(world.folder, 'message.yaml'), 'n: 2\n');
      assert.equal((await world.run(['pulse', 'publish', exchange, 'a.b', 'message.yaml'])).err, '');
      await world.succeed(['pulse', 'publish', exchange, '', '-'], { input: '{"n": 3}' });
      await world.succeed(['messages', 'publish', exchange, '--routing-key', 'c', '--payload', '{"n": 4}']);
      const { status, err } = await watching.end;
      assert.equal(status, 0, err);
      assert.deepEqual(
        shownBy(watching).map(({ routingKey, payload }) => [routingKey, payload]),
        [
          ['a.b', { n: 2 }],
          ['', { n: 3 }],
          ['c', { n: 4 }],
        ],
      );
      const forged = await publish('exchange/taskcluster-hooks/v1/hook-created', '', {});
      assert.deepEqual([forged.status, /whatever their scopes/.test(forged.err)], [1, true]);
    });

    it('watch shows what matches as it comes, and ends with 0 on Ctrl-C', async () => {
      const exchange = await newExchange();
      const watching = await watch(exchange, 'build.*');
      await publish(exchange, 'build.linux', { text: 'a\u001b[31m' });
      await publish(exchange, 'other', {});
      await publish(exchange, 'build.mac', { long: 'x'.repeat(500) });
      await eventually('both are shown', () => watching.out().split('\n').length === 3);
      const [first = '', second = ''] = watching.out().split('\n');
      assert.match(first, /^\d{4}-\d\d-\d\dT\S+Z {2}build\.linux {2}\{"text":"a\\u001b\[31m"\}$/);
      assert.match(second, /build\.mac {2}\{"long":"x+… \(511 bytes\)$/);
      watching.process.kill('SIGINT');
      watching.process.kill('SIGINT');
      assert.equal((await watching.end).status, 0);
    });

    it('watch --hook says what the hook would make of each, also after the hook has changed', async () => {
      const exchange = await newExchange();
      const file = join(world.folder, 'watched.json');
      const save = (verb: string, task: object) => {
        const bindings = [{ exchange, routingKeyPattern: 'never' }];
        return writeFile(file, JSON.stringify({ ...GREETING, bindings, task })).then(() =>
          world.succeed(['hooks', verb, 'test/watched', file]),
        );
      };
      await save('create', { ...GREETING.task, $if: 'payload.who != "nobody"', then: GREETING.task });
      const watching = await watch(exchange, '#', '--hook', 'test/watched', '--json');
      const see = async (payload: object) => {
        const before = shownBy(watching).length;
        await publish(exchange, 'k', payload);
        await eventually('it is shown', () => shownBy(watching).length > before);
        return shownBy(watching).at(-1)?.hook;
      };
      assert.deepEqual(await see({ who: 7 }), { outcome: 'rejected', reason: 'data/who must be string' });
      const failed = await see({ who: 'world' });
      assert.equal(failed?.outcome, 'failed', JSON.stringify(failed));
      await save('update', { $if: 'payload.who != "nobody"', then: GREETING.task });
      await eventually('it is tried as it is now', async () => (await see({ who: 'world' }))?.outcome === 'created');
      assert.deepEqual(await see({ who: 'nobody' }), { outcome: 'declined' });
      assert.equal((await world.json<{ fires: unknown[] }>(['hooks', 'fires', 'test/watched'])).fires ?? 0, 0);
      watching.process.kill('SIGINT');
      assert.equal((await watching.end).status, 0);
    });

    it('watch shows messages when nobody reads its remarks', async () => {
      const exchange = await newExchange();
      const watching = world.start(['pulse', 'watch', exchange, '#', '--json', '--count', '1']);
      watching.process.stderr?.destroy();
      await eventually('a message was shown', async () => {
        await publish(exchange, 'k', { who: 'world' });
        return watching.process.exitCode !== null;
      });
      assert.deepEqual([(await watching.end).status, shownBy(watching).length], [0, 1]);
    });

    it('watch says that there is no such hook, or no such exchange', async () => {
      const exchange = await newExchange();
      assert.equal((await world.run(['pulse', 'watch', exchange, '#', '--hook', 'test/none'])).status, 3);
      assert.equal((await world.run(['pulse', 'watch', exchange, '#', '--hook', 'none'])).status, 2);
      if (!isRabbitmq) return;
      const missing = newRabbitmqName('missing');
      const refused = await world.run(['pulse', 'watch', missing, '#']);
      assert.deepEqual([refused.status, /RabbitMQ has no exchange/.test(refused.err)], [3, true], refused.err);
      assert.equal((await publish(missing, 'k', {})).status, 3);
      await world.succeed(['pulse', 'publish', missing, 'k', '--declare', '--payload', '{}']);
      const rabbitmq = await openRabbitmq(t);
      await onChannel(rabbitmq, (channel) => channel.deleteExchange(missing));
    });

    it('watch waits for a server that goes away, and shows what came meanwhile', async () => {
      const exchange = await newExchange();
      const watching = await watch(exchange, '#', '--json');
      await publish(exchange, 'one', {});
      await eventually('the first is shown', () => shownBy(watching).length === 1);
      // The same server, on another port.
      await world.server.end('SIGTERM');
      await eventually('it says that it waits', () => watching.err().includes('waiting for it'));
      await startServerProcess(t, { cwd: world.folder, env });
      await publish(exchange, 'two', {});
      await eventually('the second is shown', () => shownBy(watching).length === 2);
      assert.deepEqual(
        shownBy(watching).map(({ routingKey }) => routingKey),
        ['one', 'two'],
      );
      watching.process.kill('SIGTERM');
      assert.equal((await watching.end).status, 0);
      assert.match(watching.err(), /The server is there again/);
    });
  });
}
