// Three processes with different parts on PostgreSQL, RabbitMQ and the task queue of a deployment.
// As often as you like: npm run chaos -- --cluster --kills 200
import { test } from 'node:test';
import { WITHOUT_RABBITMQ_NODE } from '../support/rabbitmq-node.ts';
import { NOT_LINUX, runShort } from './run-short.ts';

test(
  'faults in processes, PostgreSQL, RabbitMQ and the task queue lose no event, double none, and leave a reason where no task was made',
  {
    skip: NOT_LINUX || WITHOUT_RABBITMQ_NODE,
  },
  (t) => runShort(t, 'deployment', 15),
);
