import assert from 'node:assert/strict';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { Cleanup } from '../../../../test/support/database.ts';
import { newRabbitmqName, RABBITMQ_URL, WITHOUT_RABBITMQ } from '../../../../test/support/rabbitmq.ts';
import { type RabbitmqNode, startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from '../../../../test/support/rabbitmq-node.ts';
import { eventually, lastFirst } from '../../../../test/support/wait.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import { createLog } from '../../../core/log.ts';
import { createMetrics } from '../../../core/metrics.ts';
import { type AmqpSession, createAmqpConnection } from './connection.ts';

type Line = { readonly level: number; readonly msg: string; readonly code?: string };
const WITHIN = () => AbortSignal.timeout(30_000);

/**
 * A connection that runs until the test ends, and what it says (not what it says to those who look
 * closely).
 */
const start = (t: Cleanup, url: string) => {
  const said: Line[] = [];
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      said.push(
        ...String(chunk)
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      );
      done();
    },
  });
  const metrics = createMetrics();
  const log = createLog({ level: 'info', destination });
  const connection = createAmqpConnection({ url: new URL(url), clock, log, metrics, name: 'test' });
  const sessions: AmqpSession[] = [];
  connection.onSession((session) => sessions.push(session));
  const ending = new AbortController();
  const running = connection.run(ending.signal);
  const stop = async () => {
    ending.abort();
    await running;
  };
  t.after(stop);
  const metric = async (name: string) =>
    Number(/ (\d+)$/.exec(await metrics.registry.getSingleMetricAsString(`hookwright_broker_${name}`))?.[1]);
  return { connection, sessions, said, stop, metric };
};

/** Between a client and RabbitMQ, at the test's mercy. */
const startProxy = async (t: Cleanup, target: string) => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isSilent = false;
  const server = createServer((client) => {
    const broker = connectTcp({ host: hostname, port: Number(port || 5672) });
    for (const [from, to] of [[client, broker] as const, [broker, client] as const]) {
      sockets.add(from);
      from.on('data', (chunk) => isSilent || to.write(chunk));
      from.on('close', () => isSilent || to.destroy());
      from.on('error', () => {}); // it is cut
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
    sockets.clear();
  };
  t.after(async () => {
    cut();
    server.close();
  });
  const address = server.address();
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(typeof address === 'object' ? address?.port : 0);
  return {
    url: url.href,
    cut,
    /** Nothing passes, and nobody is told. */
    silence: (value: boolean) => {
      isSilent = value;
    },
  };
};

describe('a connection to RabbitMQ', { skip: WITHOUT_RABBITMQ }, () => {
  it('that breaks comes back with a new session, says so once each, and is counted', async (test) => {
    const t = lastFirst(test);
    const proxy = await startProxy(t, RABBITMQ_URL);
    const { connection, sessions, said, metric } = start(t, proxy.url);
    const first = await connection.session(WITHIN());
    await first.channel();
    assert.equal(await metric('connected'), 1);
    await connection.checkHealth();
    proxy.cut();
    await eventually('the session ended', () => first.ended.aborted);
    const second = await connection.session(WITHIN());
    assert.notEqual(second, first);
    await second.confirmChannel();
    await assert.rejects(first.channel());
    assert.deepEqual(sessions, [first, second]);
    assert.deepEqual(
      said.map(({ level, code, msg }) => [level, code, msg.replace(/127\S+/, '<address>').slice(0, 44)]),
      [
        [30, undefined, 'connected to RabbitMQ at <address>'],
        [40, 'HW_AMQP_UNREACHABLE', 'RabbitMQ at <address> cannot be reached: rea'],
        [30, undefined, 'connected to RabbitMQ at <address> again'],
      ],
    );
    assert.equal(await metric('reconnects_total'), 1);
    assert.equal(second.afterOutage, false);
  });

  it('survives what RabbitMQ refuses on a channel', async (test) => {
    const t = lastFirst(test);
    const { connection, sessions } = start(t, RABBITMQ_URL);
    const session = await connection.session(WITHIN());
    const channel = await session.channel();
    const closed = new Promise((resolve) => channel.once('close', resolve));
    channel.publish(newRabbitmqName('none'), '', Buffer.from('')); // nobody waits for an answer to this
    await closed;
    await (await session.channel()).close();
    assert.equal(sessions.length, 1);
  });

  it('that is refused says why and what to do, once, without the password, and is tried again', async (test) => {
    const t = lastFirst(test);
    const wrong = new URL(RABBITMQ_URL);
    wrong.password = 'the-wrong-one';
    const elsewhere = new URL(RABBITMQ_URL);
    elsewhere.pathname = '/no-such-vhost';
    for (const [url, reason] of [
      [wrong, /refuses the user .*: wrong user or password\. Correct AMQP_URL/],
      [elsewhere, /no such virtual host/],
    ] as const) {
      const { connection, said, stop } = start(t, url.href);
      const refusal = () => connection.checkHealth().then(() => '', String);
      await eventually('it was refused', async () => reason.test(await refusal()));
      await eventually('it has said so', () => said.length > 0);
      assert.doesNotMatch(JSON.stringify(said) + (await refusal()), /the-wrong-one/);
      assert.deepEqual(
        said.map(({ code }) => code),
        ['HW_AMQP_REFUSED'],
      );
      await stop();
      assert.equal(said.length, 1);
    }
  });

  it('gives no session to a caller whose signal has aborted', async (test) => {
    const t = lastFirst(test);
    const { connection, stop } = start(t, 'amqp://guest:guest@127.0.0.1:1');
    const waiting = new AbortController();
    const session = connection.session(waiting.signal);
    waiting.abort(new Error('enough'));
    await assert.rejects(session, /enough/);
    await assert.rejects(connection.session(AbortSignal.abort(new Error('late'))), /late/);
    await stop();
  });
});

describe('a connection to a RabbitMQ of its own', { skip: WITHOUT_RABBITMQ_NODE }, () => {
  let node: RabbitmqNode;
  const undo = new AsyncDisposableStack();
  before(async () => {
    node = await startRabbitmqNode({ after: (step) => undo.defer(step) }, ['heartbeat = 1']);
  });
  after(() => undo.disposeAsync());

  it('notices that its peer vanished without a word', { timeout: 180_000 }, async (test) => {
    const t = lastFirst(test);
    const proxy = await startProxy(t, node.url);
    const { connection, said } = start(t, proxy.url);
    const first = await connection.session(WITHIN());
    proxy.silence(true);
    await eventually('the session ended', () => first.ended.aborted);
    assert.match(said.at(-1)?.msg ?? '', /[Hh]eartbeat/);
    proxy.silence(false);
    await (await connection.session(WITHIN())).channel();
  });

  it('tells of a broker that was stopped, and of one that takes no messages', { timeout: 180_000 }, async (test) => {
    const t = lastFirst(test);
    const { connection, said } = start(t, node.url);
    const first = await connection.session(WITHIN());
    assert.equal(first.afterOutage, false);
    await node.stop();
    await assert.rejects(connection.checkHealth(), { code: 'ServiceUnavailable' });
    await node.start();
    const second = await connection.session(WITHIN());
    assert.equal(second.afterOutage, true);
    assert.equal(said.filter(({ code }) => code === 'HW_AMQP_UNREACHABLE').length, 1);

    const channel = await second.channel();
    await channel.assertQueue('q');
    await node.ctl('set_vm_memory_high_watermark', 'absolute', '1000');
    channel.sendToQueue('q', Buffer.from('x')); // only who publishes is told
    const refusal = () => connection.checkHealth().then(() => '', String);
    await eventually('it is known', async () => /takes no messages now: low on memory/.test(await refusal()));
    await node.ctl('set_vm_memory_high_watermark', '0.8');
    await eventually('it is over', async () => (await refusal()) === '');
    assert.equal(said.filter(({ msg }) => /takes no messages now/.test(msg)).length, 1);
  });
});
