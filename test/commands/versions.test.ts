// hookwright hooks versions, diff and rollback, against a server.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { HookDefinition, ListVersionsResponse } from '../../client/index.ts';
import { lastFirst } from '../support/wait.ts';
import { GREETING, newQuickWorld, type World } from './command-world.ts';

let world: World;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await newQuickWorld(lastFirst({ after: (step) => undo.defer(step) }));
});
after(() => undo.disposeAsync());

const write = (verb: 'create' | 'update', name: string, who: string) => {
  const task = { ...GREETING.task, payload: { who } };
  return world.succeed(['hooks', verb, name, '-'], { input: JSON.stringify({ ...GREETING, task }) });
};
const taskOf = async (name: string) => (await world.json<HookDefinition>(['hooks', 'show', name])).task;

it('the versions of a hook are listed and compared, and the one before the newest is one command away', async () => {
  await write('create', 'test/hook', 'one');
  await write('update', 'test/hook', 'two');
  const first = await world.json<ListVersionsResponse['versions']>(['hooks', 'versions', 'test/hook']);
  const [two, one] = first.map(({ version }) => String(version)) as [string, string];

  const listed = await world.succeed(['hooks', 'versions', 'test/hook']);
  assert.match(listed, /^VERSION +REVISION +WHEN +WHAT +BY +FROM\n\d+ +2 +\S+Z +changed +root +command line\n/);
  const change = '~ /task/payload/who: "one" → "two"\n';
  assert.equal(await world.succeed(['hooks', 'diff', 'test/hook']), change);
  assert.equal(await world.succeed(['hooks', 'diff', 'test/hook', one, two]), change);
  assert.match(await world.succeed(['hooks', 'diff', 'test/hook', one]), /^\+ \/metadata: /m);
  assert.equal(await world.succeed(['hooks', 'diff', 'test/hook', two, two]), 'Nothing differs.\n');

  const said = await world.succeed(['hooks', 'rollback', 'test/hook']);
  assert.match(said, /^The hook test\/hook is again as it was on \d{4}-\S+Z\.\n$/);
  assert.deepEqual((await taskOf('test/hook')).payload, { who: 'one' });
  assert.match(await world.succeed(['hooks', 'versions', 'test/hook']), new RegExp(`changed, back to ${one} `));
  await world.succeed(['hooks', 'rollback', 'test/hook', two]);
  assert.deepEqual((await taskOf('test/hook')).payload, { who: 'two' });
});

it('a hook that was removed is made again by a rollback', async () => {
  await write('create', 'test/removed', 'one');
  await world.succeed(['hooks', 'remove', 'test/removed']);
  await world.succeed(['hooks', 'rollback', 'test/removed']);
  assert.deepEqual((await taskOf('test/removed')).payload, { who: 'one' });
  const { status, err } = await world.run(['hooks', 'rollback', 'test/removed']);
  assert.match(err, /The newest version of test\/removed has none before it\. .*hooks versions test\/removed lists/s);
  assert.notEqual(status, 0);
});

it('what is no version of the hook is refused, with what to do', async () => {
  const cases: readonly [readonly string[], RegExp][] = [
    [['hooks', 'diff', 'test/hook', 'latest'], /"latest" cannot be a version of a hook.*hooks versions/s],
    [['hooks', 'rollback', 'test/hook', '999999'], /has no version 999999.*\[ResourceNotFound\]/s],
    [['hooks', 'versions', 'test/never'], /No such hook, and there never was one.*\[ResourceNotFound\]/s],
    [['hooks', 'versions', 'test/hook', '--limit', '0'], /--limit is "0"/],
  ];
  for (const [args, message] of cases) {
    const { status, out, err } = await world.run(args);
    assert.match(err, message);
    assert.deepEqual([status !== 0, out], [true, ''], args.join(' '));
  }
});
