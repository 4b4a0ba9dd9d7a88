import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshDatabase } from '../../../../test/support/database.ts';
import { startRabbitmqNode, WITHOUT_RABBITMQ_NODE } from '../../../../test/support/rabbitmq-node.ts';
import { eventually } from '../../../../test/support/wait.ts';
import { systemClock as clock } from '../../../core/clock.ts';
import { statement } from '../../../database/statement.ts';
import type { Broker, QueueIdentity } from '../../broker.ts';
import { insertWatchOn } from '../../in-database/watches.ts';
import { createAmqpWorld } from '../../test-support/amqp-world.ts';
import { adopt, listQueueNames, setBindings } from './topology-store.ts';

const OWN = 'exchange/taskcluster-hooks/v1/hook-created';

const listHeld = statement<{ held: number }>(
  'test.held',
  `select count(*) as held from pg_stat_activity
   where datname = current_database() and state = 'idle in transaction' and state_change < now() - interval '2 s'`,
);

const areActive = (broker: Broker, queue: QueueIdentity) => async () => {
  const states = await broker.bindingStates(queue.id);
  return states.length > 0 && states.every(({ state }) => state === 'active');
};

const isHealthy = (broker: Broker): Promise<boolean> =>
  broker.checkHealth().then(
    () => true,
    () => false,
  );

describe('bindings', { skip: WITHOUT_RABBITMQ_NODE }, () => {
  it('wait without a transaction while RabbitMQ is short of memory, and become active when it is not', async (t) => {
    const node = await startRabbitmqNode(t);
    const { queue, start, bind, database } = await createAmqpWorld(t, { url: node.url });
    const { broker } = await start(async () => {}, { exchanges: [OWN] });
    const [before, during] = [queue('before'), queue('during')];
    await bind(before, '#');
    await eventually('it is bound', areActive(broker, before));
    await node.ctl('set_vm_memory_high_watermark', '0.00001');
    await eventually('RabbitMQ takes nothing', async () => {
      await database.transaction((tx) => broker.publish(tx, [{ exchange: OWN, routingKey: '', body: {} }]));
      return !(await isHealthy(broker));
    });
    const isHeld = async () => ((await database.query(listHeld))[0]?.held ?? 0) > 0;
    await eventually('the relay has given up', () => database.use().busy === 0);
    await bind(during, '#');
    await assert.rejects(eventually('a transaction waits for RabbitMQ', isHeld, 4_000));
    await node.ctl('set_vm_memory_high_watermark', '0.9');
    await eventually('it is bound', areActive(broker, during));
  });
});

describe('queues that were made on the broker without a RabbitMQ', () => {
  it('are taken over with their bindings, watches excepted', async (t) => {
    const database = await freshDatabase(t);
    const now = clock.now();
    await database.transaction(async (tx) => {
      await insertWatchOn(tx, { exchange: 'e', id: 'secret' }, '#', now);
      await setBindings(tx, { id: 'uid', name: 'group/hook' }, [{ exchange: 'e', routingKeyPattern: '#' }], now);
      await adopt(tx, now);
    });
    assert.deepEqual(await listQueueNames(database), ['group/hook']);
  });
});
