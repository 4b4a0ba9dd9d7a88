// With --replace-queues, queues that the reference service left on RabbitMQ are read into their
// hooks and made anew.
import { test } from 'node:test';
import { ECHO_SCOPES, echoHook, rootClients } from './support/client.ts';
import { freshDatabaseUrl } from './support/database.ts';
import { onChannel, openRabbitmq } from './support/rabbitmq.ts';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from './support/rabbitmq-node.ts';
import { newDataFolder, serve } from './support/server.ts';
import { eventually, lastFirst } from './support/wait.ts';

const BOUND = { ...echoHook(), bindings: [{ exchange: 'exchange/builds/v1/finished', routingKeyPattern: '#' }] };

test('what waits in the queues of the old service fires the hooks, when they are woken with --replace-queues', {
  skip: WITHOUT_RABBITMQ_NODE,
}, async (context) => {
  const t = lastFirst({ after: (undo) => context.after(undo) });
  const node = await startRabbitmqNode(t);
  const connection = await openRabbitmq(t, node.url);
  const queue = `queue/${new URL(node.url).username}/builds/on-finished`;
  const exchange = 'exchange/builds/v1/finished';
  const publish = (count: number) =>
    onChannel(connection, async (channel) => {
      for (let n = 0; n < count; n += 1)
        channel.publish(exchange, 'linux', Buffer.from(`{"build": ${n}}`), { persistent: true });
    });
  await onChannel(connection, async (channel) => {
    await channel.assertExchange(exchange, 'topic');
    // As the reference makes them.
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-max-length': 50 } });
    await channel.bindQueue(queue, exchange, '#');
  });
  await publish(3);

  const env = { DATABASE_URL: await freshDatabaseUrl(t), AMQP_URL: node.url };
  const server = await serve(t, await newDataFolder(t), { env, args: ['--replace-queues', 'true'] });
  const { auth, hooks } = rootClients(server.credentials);
  await auth.createRole('hook-id:builds/*', { description: '', scopes: ECHO_SCOPES });
  await hooks.createHook('builds', 'on-finished', { ...BOUND, task: { ...BOUND.task, payload: {} } });
  const isActive = async () => (await hooks.getHookStatus('builds', 'on-finished')).bindings[0].state === 'active';
  await eventually('the queue is replaced', isActive);
  await publish(1);
  const fires = async (): Promise<unknown[]> => (await hooks.listLastFires('builds', 'on-finished')).lastFires;
  await eventually('all of them fire', async () => (await fires()).length === 4);
});
