import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { familyOf, isAlive, kill9 } from '../../../test/support/processes.ts';
import { eventually } from '../../../test/support/wait.ts';

const URLS = Object.fromEntries(
  ['./pool.ts', '../../core/clock.ts', '../../core/log.ts'].map((name) => [name, new URL(name, import.meta.url).href]),
);
const SERVER = `
  const { createEvaluationPool, DEFAULT_LIMITS } = await import('${URLS['./pool.ts']}');
  const { systemClock } = await import('${URLS['../../core/clock.ts']}');
  const { silentLog } = await import('${URLS['../../core/log.ts']}');
  const pool = createEvaluationPool({ clock: systemClock, log: silentLog }, { ...DEFAULT_LIMITS, deadlineMs: 600_000 });
  const context = { firedBy: 'triggerHook', taskId: 'T', now: '2026-11-20T00:00:00.000Z', payload: {} };
  const run = (template) => pool.run({ kind: 'evaluate', job: { key: 'k', template, triggerSchema: {}, context, payloadBytes: 0 } });
  await run({ a: 1 });
  const nested = (depth) => depth === 0 ? 1 : { $map: { $eval: 'range(0, 1000)' }, 'each(x)': nested(depth - 1) };
  void run({ a: nested(12) });
  setImmediate(() => console.log('at work'));`;

it('an evaluation without end ends with its server, also when that is killed', {
  skip: process.platform !== 'linux' && 'it looks for processes in /proc',
}, async (t) => {
  const server = spawn(process.execPath, ['--input-type=module', '-e', SERVER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => server.kill('SIGKILL'));
  await once(server.stdout, 'data');
  const [, ...workers] = await familyOf(server.pid ?? 0);
  assert.equal(workers.length, 1);
  t.after(() => workers.forEach(kill9));
  kill9(server.pid ?? 0);
  await eventually('its worker is gone', async () => !(await isAlive(workers[0] ?? 0)));
});
