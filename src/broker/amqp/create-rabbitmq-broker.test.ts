import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { onChannel, WITHOUT_RABBITMQ } from '../../../test/support/rabbitmq.ts';
import { eventually } from '../../../test/support/wait.ts';
import type { Broker, QueueIdentity, Reader } from '../broker.ts';
import { createAmqpWorld } from '../test-support/amqp-world.ts';

const createRecorder = () => {
  const read: string[] = [];
  const reader: Reader = async (deliveries) => {
    for (const { queue, body } of deliveries) read.push(`${queue}:${body}`);
  };
  return { read, reader };
};

const areActive = (broker: Broker, queue: QueueIdentity) => async () => {
  const states = await broker.bindingStates(queue.id);
  return states.length > 0 && states.every(({ state }) => state === 'active');
};

describe('bindings on RabbitMQ', { skip: WITHOUT_RABBITMQ }, () => {
  it('become active, bring what matches, and are gone with the queue when they are taken away', async (t) => {
    const { queue, start, bind, publish, nameOf, rabbitmq } = await createAmqpWorld(t);
    const { read, reader } = createRecorder();
    const { broker } = await start(reader);
    const hook = queue('one');
    await bind(hook, 'a.#');
    await eventually('it is bound', areActive(broker, hook));
    await publish('a.b', 1);
    await publish('b', 2);
    await publish('a', 3);
    await eventually('both came', () => read.length === 2);
    assert.deepEqual(read, [`${hook.id}:1`, `${hook.id}:3`]);
    await bind(hook);
    await eventually('the queue is gone', () =>
      onChannel(rabbitmq, (channel) => channel.checkQueue(nameOf(hook))).then(
        () => false,
        () => true,
      ),
    );
  });
});
