// The short form of a cluster test, as `npm test` runs it.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { roundsOf } from '../support/test-length.ts';
import { lastFirst } from '../support/wait.ts';
import { BACKENDS } from './backends/all-backends.ts';
import { runCluster } from './run-cluster.ts';

export const NOT_LINUX: string | false = process.platform !== 'linux' && 'it finds what to kill in /proc';

const LONGEST_SAID = 20_000;

export const runShort = async (t: TestContext, backend: keyof typeof BACKENDS, most: number): Promise<void> => {
  const faults = roundsOf(most);
  const seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(`to repeat: npm run chaos -- --cluster --backend ${backend} --kills ${faults} --seed ${seed}`);
  const lines: string[] = [];
  const tell = (line: string) => lines.push(line);
  const startBackend = BACKENDS[backend];
  const { problems, figures, struck, said } = await runCluster(lastFirst(t), { faults, seed, startBackend, tell });
  t.diagnostic(JSON.stringify({ ...figures, ...struck }));
  assert.deepEqual(problems, [], `${lines.join('\n')}\n${problems.join('\n')}\n${said.slice(-LONGEST_SAID)}`);
  // A run in which nothing was under way when something died proves nothing.
  assert.ok((figures.accepted ?? 0) > 10 * faults, 'there was load');
};
