// Messages on a RabbitMQ of the bench's own become tasks: on one hook, and spread over fifty.
import { connect as connectAmqp } from 'amqplib';
import type pg from 'pg';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from '../../test/support/rabbitmq-node.ts';
import { lastFirst } from '../../test/support/wait.ts';
import { connect } from '../harness/crowd.ts';
import { prepareHook, TRIGGER_PAYLOAD } from '../harness/hook.ts';
import { type Bench, figure, type Measure, unavailable } from '../harness/measure.ts';
import { call, startServer } from '../harness/server.ts';
import hook from '../hook.json' with { type: 'json' };

const HOOKS = 50;
const MESSAGES = 5_000;
/** Published before the confirms of the ones before are waited for. */
const AT_ONCE = 500;
const EXCHANGE = 'exchange/bench/messages';
const GIVE_UP_MS = 120_000;
/** A message has no caller, whom the template of calls names. */
const metadata = { ...hook.task.metadata, description: 'fired by ${firedBy}' };
const definition = { ...hook, task: { ...hook.task, metadata } };

/** The issue "Pulse messages, several processes, and what survives". */
const LEAST = 1_500;

export const messages: Measure = {
  name: 'messages',
  about: `${MESSAGES} messages on RabbitMQ become tasks: of one hook, and of ${HOOKS}`,
  take: async (bench) =>
    WITHOUT_RABBITMQ_NODE === false ? measure(bench) : [unavailable('messages', 'fires/s', WITHOUT_RABBITMQ_NODE)],
};

const measure = async (bench: Bench) => {
  await using undo = new AsyncDisposableStack();
  const node = await startRabbitmqNode(lastFirst({ after: (step) => undo.defer(step) }));
  const rabbitmq = await connectAmqp(node.url);
  rabbitmq.on('error', () => {}); // what fails is told to whoever called
  const channel = await rabbitmq.createConfirmChannel();
  await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  const server = undo.use(
    await startServer(bench, bench.stable.newFolder('messages'), { env: { AMQP_URL: node.url } }),
  );
  await prepareHook(server);
  for (let n = 0; n <= HOOKS; n += 1) {
    const key = n === HOOKS ? 'one' : `spread.${n}`;
    const bindings = [{ exchange: EXCHANGE, routingKeyPattern: `${key}.#` }];
    await call(server, 'PUT', `/api/hooks/v1/hooks/messages/hook-${n}`, { ...definition, bindings });
  }
  const client = await connect(server);
  try {
    await waitFor(bench, client, 'all are bound', `select count(*) from amqp_bindings where state <> 'active'`, 0);
    let fired = 0;
    const fire = async (keyOf: (n: number) => string): Promise<number> => {
      const began = bench.clock.monotonic();
      for (let n = 0; n < MESSAGES; n += 1) {
        const body = { ...TRIGGER_PAYLOAD, env: { A: `${n}` } };
        channel.publish(EXCHANGE, keyOf(n), Buffer.from(JSON.stringify(body)), { persistent: true });
        if (n % AT_ONCE === AT_ONCE - 1) await channel.waitForConfirms();
      }
      fired += MESSAGES;
      const count = `select count(*) from ledger where kind = 'fire' and fired_by = 'pulseMessage' and outcome = 'created'`;
      await waitFor(bench, client, 'all have fired', count, fired);
      return (MESSAGES * 1_000) / (bench.clock.monotonic() - began);
    };
    await fire(() => 'one.x'); // code is compiled and statements are planned
    const one: number[] = [];
    const spread: number[] = [];
    for (let round = 0; round < bench.rounds; round += 1) {
      one.push(await fire(() => 'one.x'));
      spread.push(await fire((n) => `spread.${n % HOOKS}.x`));
    }
    const bar = { of: 'value', atLeast: LEAST } as const;
    return [
      figure('messages to fires, one hook', 'fires/s', one, { bar }),
      figure(`messages to fires, ${HOOKS} hooks`, 'fires/s', spread, { bar }),
    ];
  } finally {
    await client.end();
    await rabbitmq.close();
  }
};

const waitFor = async (bench: Bench, client: pg.Client, what: string, query: string, wanted: number) => {
  const giveUpAt = bench.clock.monotonic() + GIVE_UP_MS;
  for (;;) {
    const { rows } = await client.query<{ count: string }>(query);
    const count = Number(rows[0]?.count);
    if (count === wanted) return;
    if (bench.clock.monotonic() > giveUpAt) throw new Error(`never: ${what} (${count} of ${wanted})`);
    await bench.clock.sleep(20);
  }
};
