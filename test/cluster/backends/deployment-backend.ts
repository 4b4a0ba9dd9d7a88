// A part of a Taskcluster deployment, for which a stand-in stands in: clients, roles and tasks live
// there. Messages come from a RabbitMQ of the test's own.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fault as QueueFault, type StandInDeployment, startDeployment } from '../../support/deployment.ts';
import { onChannel, openRabbitmq } from '../../support/rabbitmq.ts';
import { type RabbitmqNode, startRabbitmqNode } from '../../support/rabbitmq-node.ts';
import { eventually } from '../../support/wait.ts';
import { ROLE, ROLE_SCOPES } from '../load/hooks.ts';
import { startListener } from '../load/listener.ts';
import { publishOverAmqp } from '../load/publishers.ts';
import { EXCHANGE } from '../oracle/events.ts';
import type { Fault } from '../system/faults.ts';
import type { Backend, StartBackend } from './backend.ts';

const LONGEST_TROUBLE_MS = 2_000;
/** The members may be just starting, on a machine that is busy. */
const MET_WITHIN_MS = 120_000;
const LONGEST_WITHOUT_BROKER_MS = 1_000;

/** All have to do with messages, two each with calls and schedules. */
const PARTS = ['web,scheduler,listeners', 'web,listeners', 'scheduler,listeners'];

export const startDeploymentBackend: StartBackend = async (t, { postgres, events }): Promise<Backend> => {
  const deployment = await startDeployment(t);
  const node = await startRabbitmqNode(t);
  const listener = await startListener(t, node.url, events.told);
  const connection = await openRabbitmq(t, node.url);
  await onChannel(connection, (channel) => channel.assertExchange(EXCHANGE, 'topic', { durable: true }));
  await connection.close();
  const newToken = () => randomBytes(33).toString('base64url');
  const credentials = { clientId: 'chaos/caller', accessToken: newToken() };
  deployment.clients.set(credentials.clientId, { accessToken: credentials.accessToken, scopes: ['*'] });
  deployment.clients.set('hooks', { accessToken: newToken(), scopes: ['assume:hook-id:*', 'notify:email:*'] });
  deployment.roles.set(ROLE, ROLE_SCOPES);
  const env = {
    ...deployment.environment('hooks'),
    DATABASE_URL: postgres.url,
    AMQP_URL: node.url,
    HOOKWRIGHT_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  };
  return {
    members: PARTS.map((parts) => ({ parts, env })),
    credentials: () => credentials,
    publish: () => publishOverAmqp(t, node.url),
    knowsMessageIds: true,
    prepare: async () => {},
    tasks: async () => tasksOf(deployment),
    faults: [...brokerFaults(node), ...queueFaults(deployment)],
    isQuiet: async () => (await listener.hasHeardAll()) && (await countMessages(node)) === 0,
    tells: true,
    violations: () => deployment.violations,
  };
};

const tasksOf = ({ tasks, calls }: StandInDeployment) => {
  const requests = Map.groupBy(calls('queue.createTask'), ({ params }) => params.taskId ?? '');
  return [...tasks.values()].map(({ taskId, definition }) => ({
    taskId,
    definition,
    scopes: (requests.get(taskId) ?? []).map(({ authorizedScopes }) => authorizedScopes ?? ['all that the server may']),
  }));
};

/** In all queues, also what was handed out and not acknowledged. */
const countMessages = async (node: RabbitmqNode): Promise<number> => {
  const lines = (await node.ctl('list_queues', 'messages')).split('\n');
  return lines.reduce((sum, line) => sum + (Number.parseInt(line, 10) || 0), 0);
};

const brokerFaults = (node: RabbitmqNode): readonly Fault[] =>
  (
    [
      ['RabbitMQ is restarted', node.stop],
      ['RabbitMQ is killed', node.kill],
    ] as const
  ).map(([name, end]) => ({
    name,
    weight: 1,
    target: 'RabbitMQ',
    strike: async (random) => {
      await end();
      await sleep(random.between(0, LONGEST_WITHOUT_BROKER_MS));
      await node.start();
    },
  }));

/** Also the worst: the task is made, and nobody is told. */
const queueFaults = (deployment: StandInDeployment): readonly Fault[] =>
  (
    [
      ['the task queue answers 500', { kind: 'status', status: 500 }],
      ['the task queue answers 429', { kind: 'status', status: 429 }],
      ['the task queue hangs', { kind: 'hang' }],
      ['the task queue cuts connections after it made the task', { kind: 'cut-after' }],
    ] as const satisfies readonly (readonly [string, QueueFault])[]
  ).map(([name, fault]) => ({
    name,
    weight: 1,
    target: 'the task queue',
    strike: async (random) => {
      const asked = deployment.calls('queue.createTask').length;
      deployment.fail('queue.createTask', fault);
      await eventually(
        'somebody meets the trouble',
        () => deployment.calls('queue.createTask').length > asked,
        MET_WITHIN_MS,
      );
      await sleep(random.between(0, LONGEST_TROUBLE_MS));
      deployment.fail('queue.createTask');
      deployment.cutHanging();
    },
  }));
