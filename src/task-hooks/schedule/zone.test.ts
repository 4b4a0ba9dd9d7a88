import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const FILES = ['tick', '../api/hook-changes', 'schedule-handler', 'schedule-oracle'];
const pathOf = (name: string) => fileURLToPath(new URL(`${name}.test.ts`, import.meta.url));

it('hooks fire and are changed the same on a machine whose clocks change twice a year', async (t) => {
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
  const env = { ...rest, TZ: 'America/New_York' };
  // One after another: other test files run beside this one.
  const args = ['--test', '--test-concurrency=1', ...FILES.map(pathOf)];
  const [status, said] = await new Promise<[unknown, string]>((resolve) => {
    const child = execFile(process.execPath, args, { env }, (error, out, err) =>
      resolve([error?.code ?? 0, out + err]),
    );
    t.after(() => child.kill());
  });
  assert.equal(status, 0, said);
  assert.match(said, /pass [1-9]\d+/);
});
