import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRabbitmqName, onChannel, openRabbitmq } from './rabbitmq.ts';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from './rabbitmq-node.ts';
import { lastFirst } from './wait.ts';

test('a node of a test keeps what is durable when it is stopped or killed, and forgets when it is told to', {
  skip: WITHOUT_RABBITMQ_NODE,
}, async (context) => {
  const t = lastFirst(context);
  const node = await startRabbitmqNode(t);
  const queue = newRabbitmqName('node');
  const count = async () => {
    const connection = await openRabbitmq(t, node.url);
    const { messageCount } = await onChannel(connection, (channel) => channel.checkQueue(queue));
    await connection.close();
    return messageCount;
  };
  const connection = await openRabbitmq(t, node.url);
  await onChannel(connection, (channel) => channel.assertQueue(queue, { durable: true }));
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => {}); // the node is stopped under it
  channel.sendToQueue(queue, Buffer.from('x'), { persistent: true });
  await channel.waitForConfirms();
  await node.stop();
  await assert.rejects(openRabbitmq(t, node.url));
  await node.start();
  assert.equal(await count(), 1);
  await node.kill();
  await node.start();
  assert.equal(await count(), 1);
  assert.match(await node.ctl('list_queues', 'name', 'messages'), new RegExp(`${queue}\\s+1`));
  await node.stop();
  await node.forget();
  await node.start();
  await assert.rejects(count(), /404|NOT_FOUND/);
});
