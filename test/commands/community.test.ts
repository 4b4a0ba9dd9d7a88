// The ships of the community, and what they do, from the command line.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { lastFirst } from '../support/wait.ts';
import { newQuickWorld, type World } from './command-world.ts';

type Ship = { readonly ship: string; readonly code: string };

describe('the community', () => {
  let world: World;
  const undo = new AsyncDisposableStack();
  before(async () => {
    world = await newQuickWorld(lastFirst({ after: (step) => undo.defer(step) }));
  });
  after(() => undo.disposeAsync());

  const CODE = /^([a-z]{6}-){3}[a-z]{6}$/;

  it('has the host, and ships that are added, whose codes are listed and replaced', async () => {
    const [host] = await world.json<Ship[]>(['ships', 'list']);
    assert.equal(host?.ship, '~zod');
    assert.match(host?.code ?? '', CODE);
    const { status, out, err } = await world.run(['ships', 'add', 'nec']);
    assert.deepEqual([status, err], [0, 'Made the ship ~nec. Below is its login code.\n']);
    assert.match(out.trim(), CODE);
    const [added] = await world.json<Ship[]>(['ships', 'add', '~fes']);
    assert.deepEqual(await world.json<Ship[]>(['ships', 'list']), [added, { ship: '~nec', code: out.trim() }, host]);
    const [reset] = await world.json<Ship[]>(['ships', 'reset-code', 'nec']);
    assert.equal(reset?.ship, '~nec');
    assert.notEqual(reset?.code, out.trim());
    assert.match(await world.succeed(['ships', 'list']), new RegExp(`~nec\\s+${reset?.code}`));
  });

  it('does what a ship does, from a file or standard input, and says what of it was left out', async () => {
    await writeFile(join(world.folder, 'meet.yaml'), 'contacts: { self: { nickname: { text: Zod } } }\nnote: x\n');
    const { status, out, err } = await world.run(['act', 'zod', 'meet.yaml']);
    assert.deepEqual([status, out], [0, 'Done as ~zod.\n']);
    assert.match(err, /^\/note was left out/);
    const id = '~zod/170.141';
    const memo = { content: [{ inline: ['milk'] }], author: '~zod', sent: 1 };
    const input = JSON.stringify({ dm: { ship: '~zod', diff: { id, delta: { add: { memo } } } } });
    assert.equal(await world.succeed(['act', '~zod', '-'], { input }), 'Done as ~zod: 170141\n');
  });

  it('says what is wrong with a ship or an action', async () => {
    const input = '{"contacts": {"meet": ["~bus"]}}';
    const cases = [
      [['ships', 'add', 'bob'], 2, /"bob" is not the name of a ship\..*HW_BAD_OPTION/],
      [['ships', 'add', 'zod'], 1, /There is a ship ~zod already\. \[RequestConflict\]/],
      [['act', 'zod', '-'], 1, /There is no ship ~bus here\. \[ActionRefused\]/],
      [['act', 'wes', '-'], 3, /There is no ship ~wes here\. \[ResourceNotFound\][\s\S]*hookwright ships list/],
    ] as const;
    for (const [args, status, message] of cases) {
      const result = await world.run(args, { input });
      assert.equal(result.status, status, result.err);
      assert.match(result.err, message);
    }
    const { err } = await world.run(['act', 'zod', '-'], { input: '{"contact": 1}' });
    assert.match(err, /must have one of the keys channels, groups/);
  });
});
