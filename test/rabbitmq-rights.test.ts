// A server on RabbitMQ as a user that has the rights which docs/operations.md names, and no others.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { connect } from 'amqplib';
import { ECHO_SCOPES, echoHook, rootClients } from './support/client.ts';
import { freshDatabaseUrl } from './support/database.ts';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from './support/rabbitmq-node.ts';
import { newDataFolder, serve } from './support/server.ts';
import { eventually, lastFirst } from './support/wait.ts';

const PAGE = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
const patternOf = (right: string): string => {
  const cell = new RegExp(`^\\| ${right} \\| \`(.*?)\` \\|`, 'm').exec(PAGE)?.[1];
  assert.ok(cell, `the page names a pattern for ${right}`);
  return cell.replaceAll('\\|', '|');
};

const BOUND = (exchange: string) =>
  echoHook({
    task: { ...echoHook().task, payload: {} },
    bindings: [{ exchange, routingKeyPattern: '#' }],
  });

test('the rights that docs/operations.md names are enough for hooks to hear and for changes to be told, and allow no more', {
  skip: WITHOUT_RABBITMQ_NODE,
}, async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const node = await startRabbitmqNode(t);
  await node.ctl('add_user', 'hookwright', 'secret');
  await node.ctl('set_permissions', 'hookwright', ...['configure', 'write', 'read'].map(patternOf));
  const url = Object.assign(new URL(node.url), { username: 'hookwright', password: 'secret' });
  const others = await connect(node.url);
  t.after(() => others.close());
  const channel = await others.createConfirmChannel();
  for (const name of ['exchange/builds/v1/finished', 'private/salaries']) await channel.assertExchange(name, 'topic');

  const server = await serve(t, await newDataFolder(t), {
    env: { DATABASE_URL: await freshDatabaseUrl(t), AMQP_URL: url.href },
  });
  const { auth, hooks } = rootClients(server.credentials);
  await auth.createRole('hook-id:g/*', { description: '', scopes: ECHO_SCOPES });
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const changes = 'exchange/taskcluster-hooks/v1/hook-updated';
  await channel.assertExchange(changes, 'topic', { durable: true });
  await channel.bindQueue(queue, changes, '#');

  const statusOf = async (hookId: string): Promise<string[]> => {
    const { bindings = [] } = await hooks.getHookStatus('g', hookId);
    return bindings.map(({ state }: { state: string }) => state);
  };
  const firesOf = async (hookId: string): Promise<number> => {
    const none = (error: { statusCode?: number }) => {
      if (error.statusCode === 404) return { lastFires: [] };
      throw error;
    };
    return (await hooks.listLastFires('g', hookId).catch(none)).lastFires.length;
  };
  const publish = async (exchange: string) => {
    channel.publish(exchange, 'k', Buffer.from('{}'), { contentType: 'application/json', persistent: true });
    await channel.waitForConfirms();
  };
  await hooks.createHook('g', 'hears', BOUND('exchange/builds/v1/finished'));
  await hooks.createHook('g', 'curious', BOUND('private/salaries'));
  await eventually('the binding is active', async () => (await statusOf('hears')).includes('active'));
  await eventually('the other is refused', async () => (await statusOf('curious')).includes('refused'));
  for (const name of ['exchange/builds/v1/finished', 'private/salaries']) await publish(name);
  await eventually('the hook fires', async () => (await firesOf('hears')) === 1);
  assert.equal(await firesOf('curious'), 0);
  const exchanges = async () => node.ctl('list_exchanges', 'name');
  await eventually('the queue tells, too', async () =>
    (await exchanges()).includes('exchange/taskcluster-queue/v1/task-pending'),
  );
  await hooks.updateHook('g', 'hears', { ...BOUND('exchange/builds/v1/finished'), bindings: [] });
  await eventually('the change is told', async () => (await channel.get(queue, { noAck: true })) !== false);
  await eventually('the queue is gone', async () => !(await node.ctl('list_queues', 'name')).includes('/g/hears'));
});
