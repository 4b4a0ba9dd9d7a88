// Several processes of the server under mixed load while everything that can die does. As often as you like: npm run chaos -- --cluster --kills 200
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { lastFirst } from '../support/wait.ts';
import { BACKENDS } from './all-backends.ts';
import { runCluster } from './run-cluster.ts';

const onLinux = { skip: process.platform !== 'linux' && 'it finds what to kill in /proc' };

const runShort = async (t: TestContext, backend: keyof typeof BACKENDS, faults: number): Promise<void> => {
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(`to repeat: npm run chaos -- --cluster --backend ${backend} --kills ${faults} --seed ${seed}`);
  const lines: string[] = [];
  const tell = (line: string) => lines.push(line);
  const startBackend = BACKENDS[backend];
  const { problems, figures, struck, said } = await runCluster(lastFirst(t), { faults, seed, startBackend, tell });
  t.diagnostic(JSON.stringify({ ...figures, ...struck }));
  assert.deepEqual(problems, [], `${lines.join('\n')}\n${said.slice(-20_000)}`);
  // A run in which nothing was under way when something died proves nothing.
  assert.ok((figures.accepted ?? 0) > 10 * faults, 'there was load');
};

test(
  'three processes on one PostgreSQL that are killed, and it too, lose no event, double none, and say why of each without a task',
  onLinux,
  (t) => runShort(t, 'standalone', 7),
);
