// Bindings on a RabbitMQ of the bench's own: how soon a new one is active beside ten and beside ten
// thousand, and a restart of RabbitMQ.
import { connect } from 'amqplib';
import type { QueueIdentity } from '../../src/broker/broker.ts';
import type { BrokerTools } from '../../src/broker/operator-tools.ts';
import { createAmqpConnection } from '../../src/broker/rabbitmq/connection/connection.ts';
import { createRabbitmqBroker } from '../../src/broker/rabbitmq/rabbitmq-broker.ts';
import type { QueueType } from '../../src/broker/rabbitmq/topology/declare-queue.ts';
import { queueNameOf } from '../../src/broker/rabbitmq/topology/queue-name.ts';
import { silentLog } from '../../src/core/log.ts';
import { createMetrics } from '../../src/core/metrics.ts';
import { freshDatabase } from '../../test/support/database.ts';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from '../../test/support/rabbitmq-node.ts';
import { lastFirst } from '../../test/support/wait.ts';
import { type Bench, figure, type Measure, median, type Row, unavailable } from '../harness/measure.ts';

const FEW = 10;
const MANY = 10_000;
/** New bindings a round, one after another. */
const NEW = 20;
const EXCHANGE = 'bench';
const GIVE_UP_MS = 300_000;

export const bindings: Measure = {
  name: 'bindings',
  about: `a new binding on RabbitMQ beside ${FEW} and beside ${MANY}; RabbitMQ restarted with ${MANY}`,
  take: async (bench) =>
    WITHOUT_RABBITMQ_NODE === false
      ? takeWith(bench, 'classic')
      : [unavailable('bindings', 'ms', WITHOUT_RABBITMQ_NODE)],
};

/** Also for the quorum queues of a short try, which the setting's documentation tells of. */
const takeWith = async (bench: Bench, queueType: QueueType): Promise<Row[]> => {
  await using undo = new AsyncDisposableStack();
  const cleanup = lastFirst({ after: (step) => undo.defer(step) });
  const { clock, say } = bench;
  const node = await startRabbitmqNode(cleanup);
  const database = await freshDatabase(cleanup, { poolSize: 10 });
  const metrics = createMetrics();
  const connection = (name: string) =>
    createAmqpConnection({ url: new URL(node.url), clock, log: silentLog, metrics, name });
  const [publishing, consuming] = [connection('publishing'), connection('consuming')];
  const tools = {} as BrokerTools; // not measured here
  const common = { database, connection: publishing, consuming, tools, exchanges: [], clock, log: silentLog, metrics };
  const broker = createRabbitmqBroker({ ...common, queueType, replaceQueues: false });
  const active = new Map<string, () => void>();
  let left = 0;
  let allActive = () => {};
  broker.onBindingChange(async (_, changes) => {
    for (const { queue, state } of changes) {
      if (state !== 'active') continue;
      active.get(queue)?.();
      left -= 1;
      if (left === 0) allActive();
    }
  });
  const read = new Map<string, () => void>();
  broker.consume(async (deliveries) => {
    for (const { queue } of deliveries) read.get(queue)?.();
  });
  const admin = async (work: (channel: Awaited<ReturnType<typeof channelOf>>['channel']) => Promise<unknown>) => {
    const { model, channel } = await channelOf(node.url);
    await work(channel);
    await channel.waitForConfirms();
    await model.close();
  };
  await admin((channel) => channel.assertExchange(EXCHANGE, 'topic', { durable: true }));
  const stopping = new AbortController();
  const running = Promise.all([
    broker.run(stopping.signal),
    publishing.run(stopping.signal),
    consuming.run(stopping.signal),
  ]);
  cleanup.after(async () => {
    stopping.abort();
    await running;
  });

  const within = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const done = new AbortController();
    const late = clock.sleep(GIVE_UP_MS, done.signal).then(() => {
      if (!done.signal.aborted) throw new Error(`${what} took more than ${GIVE_UP_MS} ms`);
      return work;
    });
    return Promise.race([work, late]).finally(() => done.abort());
  };
  const hook = (name: string): QueueIdentity => ({ id: `id-${name}`, name: `bench/${name}` });
  const addMany = async (first: number, end: number) => {
    left = end - first;
    const all = new Promise<void>((resolve) => {
      allActive = resolve;
    });
    for (let from = first; from < end; from += 500) {
      await database.transaction(async (tx) => {
        for (let n = from; n < Math.min(from + 500, end); n += 1) {
          await broker.setBindings(tx, hook(`${n}`), [{ exchange: EXCHANGE, routingKeyPattern: `hook.${n}.#` }]);
        }
      });
    }
    await within(`${end - first} bindings`, all);
  };
  const newOnes = async (): Promise<number> => {
    const took: number[] = [];
    for (let n = 0; n < NEW; n += 1) {
      const one = hook(`new-${n}`);
      const isActive = new Promise<void>((resolve) => active.set(one.id, resolve));
      const began = clock.monotonic();
      await database.transaction((tx) =>
        broker.setBindings(tx, one, [{ exchange: EXCHANGE, routingKeyPattern: one.id }]),
      );
      await within('a new binding', isActive);
      took.push(clock.monotonic() - began);
      await database.transaction((tx) => broker.setBindings(tx, one, []));
      while (await isThere(node.url, one)) await clock.sleep(5);
    }
    return median(took);
  };
  const fires = async (one: QueueIdentity, key: string): Promise<void> => {
    const isRead = new Promise<void>((resolve) => read.set(one.id, resolve));
    for (;;) {
      await admin(async (channel) => channel.publish(EXCHANGE, key, Buffer.from('1'), { persistent: true }));
      const isOver = await Promise.race([isRead.then(() => true), clock.sleep(250).then(() => false)]);
      if (isOver) return;
    }
  };

  await addMany(0, FEW);
  await newOnes(); // code is compiled and statements are planned
  const few: number[] = [];
  for (let round = 0; round < bench.rounds; round += 1) few.push(await newOnes());
  const empty = await memoryOf(node);
  const began = clock.monotonic();
  await addMany(FEW, MANY);
  const created = clock.monotonic() - began;
  const memory = (await memoryOf(node)) - empty;
  say(
    `bindings: ${MANY} ${queueType} queues bound within ${Math.round(created)} ms, ${memory} MB of RabbitMQ's memory`,
  );
  await fires(hook(`${MANY - 1}`), `hook.${MANY - 1}.x`);
  const many: number[] = [];
  for (let round = 0; round < bench.rounds; round += 1) many.push(await newOnes());
  await node.stop();
  await node.start();
  const restarted = clock.monotonic();
  await fires(hook(`${MANY - 1}`), `hook.${MANY - 1}.x`);
  const back = clock.monotonic() - restarted;
  say(`bindings: the last of ${MANY} fires ${Math.round(back)} ms after RabbitMQ is back`);
  const note = `${queueType} queues`;
  const newest = `bindings, a new one active: beside ${MANY}, to beside ${FEW}`;
  return [
    figure(newest, 'ms', many, { reference: few, bar: { of: 'ratio', atMost: 1.5 }, note }),
    figure(`bindings, ${MANY} made`, 's', [created / 1_000], { note: `${note}, ${memory} MB of RabbitMQ's memory` }),
    figure(`bindings, the last of ${MANY} fires after RabbitMQ was restarted`, 's', [back / 1_000], {
      bar: { of: 'value', atMost: 30 },
      note,
    }),
  ];
};

const channelOf = async (url: string) => {
  const model = await connect(url);
  model.on('error', () => {}); // what fails is told to whoever called
  const channel = await model.createConfirmChannel();
  channel.on('error', () => {});
  return { model, channel };
};

const isThere = async (url: string, { name }: QueueIdentity): Promise<boolean> => {
  const { model, channel } = await channelOf(url);
  const found = await channel.checkQueue(queueNameOf('guest', name)).then(
    () => true,
    () => false,
  );
  await model.close();
  return found;
};

/** Of RabbitMQ's Erlang machine, in MB. */
const memoryOf = async ({ ctl }: { ctl: (...args: readonly string[]) => Promise<string> }): Promise<number> =>
  Math.round(Number(await ctl('eval', 'erlang:memory(total).')) / 1e6);
