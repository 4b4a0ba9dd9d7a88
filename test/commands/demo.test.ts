// hookwright demo, as somebody runs it who has nothing yet.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { newFolder, runProgram } from '../support/server.ts';
import { lastFirst } from '../support/wait.ts';

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

test('the demonstration shows what script hooks do, and leaves nothing behind', async (t) => {
  const cleanup = lastFirst(t);
  const folder = await newFolder(cleanup);
  const program = runProgram(cleanup, ['demo', '--keep'], { env: { TMPDIR: folder } });
  const [, data = ''] = await program.says(/Look around with --data (\S+):[\s\S]+Press Ctrl-C to end/);
  const said = program.said();
  const shown = [
    // State, denial, transformation, roles, messages
    /~nec in lounge: Good morning\n +~zod in lounge: Welcome, ~nec!\n +~nec in lounge: Is anybody here\?\n\n/,
    /~fes in lounge: I was in the casino\n +denied: "casino" is not said here/,
    /~bud in lounge: Once upon a time there was a garden with a pond in it\n +~bud in lounge: Once .{32,36}…\n/,
    /~zod reacts with :star:\n +~nec has the role star/,
    /~fes reacts with :fire:\n +~zod to ~nec: ~fes reacted with :fire:/,
    /Roses, fresh roses\n +denied: Slow mode: wait \d+ s/,
    /~zod in archive: ~nec in chat\/~zod\/market: Roses for sale/,
    // Wake, tasks, cron
    /~nec in market: Roses for sale +\(:white_check_mark: by ~zod\)/,
    /garden\/note made the task [\w-]{22}: \{"by":"~nec","in":"chat\/~zod\/market","post":"\d+"\}/,
    /garden\/clean made the task [\w-]{22}: \{"what":"clean the pond","by":"~fes"\}/,
    /~bud is gone; the members are ~zod, ~nec, ~fes/,
    /\d+ runs: .*denied/,
  ];
  for (const pattern of shown) assert.match(said, pattern);
  assert.ok(!/failed|"level"/.test(said), said);
  assert.equal(await exists(data), true);
  program.process.kill('SIGINT');
  assert.deepEqual(await program.exit, [0, null]);
  assert.equal(await exists(data), false);
});
