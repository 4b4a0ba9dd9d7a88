import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const CHECKS = fileURLToPath(new URL('./schedule.test.ts', import.meta.url));

it('schedules are the same on a machine whose clocks change twice a year', () => {
  const env = { ...process.env, TZ: 'America/New_York', NODE_TEST_CONTEXT: undefined };
  const run = (...args: string[]) => spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  const offsets = 'console.log([0, 6].map((month) => new Date(2026, month, 1).getTimezoneOffset()).join())';
  assert.equal(run('--eval', offsets).stdout.trim(), '300,240', 'the zone is in effect');
  const { status, stdout, stderr } = run('--test', CHECKS);
  assert.equal(status, 0, stdout + stderr);
});
