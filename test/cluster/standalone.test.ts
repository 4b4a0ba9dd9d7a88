// Three processes on one PostgreSQL, and nothing else. As often as you like: npm run chaos --
// --cluster --backend standalone --kills 200
import { test } from 'node:test';
import { NOT_LINUX, runShort } from './run-short.ts';

test(
  'three processes and their PostgreSQL, struck down again and again, lose no event, double none, and record why one made no task',
  {
    skip: NOT_LINUX,
  },
  (t) => runShort(t, 'standalone', 6),
);
