// hookwright fires search, show, follow and replay, against a server.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FireResponse, ReplayFiresResponse, ReplayStatus, SearchFiresResponse } from '../../client/index.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { GREETING, GREETING_SCOPES, newWorld, type World } from './command-world.ts';

type Fire = SearchFiresResponse['fires'][number];

let world: World;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await newWorld(lastFirst({ after: (step) => undo.defer(step) }));
  await world.succeed(['roles', 'grant', 'hook-id:test/*', ...GREETING_SCOPES]);
});
after(() => undo.disposeAsync());

/** A hook of its own for a test, fired with each of these; who is no text does not fit. */
const fired = async (id: string, ...who: unknown[]): Promise<string> => {
  const name = `test/${id}`;
  await world.succeed(['hooks', 'create', name, '-'], { input: JSON.stringify(GREETING) });
  for (const one of who) await world.run(['hooks', 'trigger', name, '--payload', JSON.stringify({ who: one })]);
  return name;
};
const search = (...args: string[]) => world.json<Fire[]>(['fires', 'search', ...args]);
const newestOf = async (name: string) => String((await search('--hook', name, '--limit', '1'))[0]?.seq);

describe('fires search', () => {
  it('finds rows of all hooks by what is known of them, newest first', async () => {
    await fired('search-a', 'one', 7);
    await fired('search-b', 'two');
    const hooks = async (...args: string[]) =>
      (await search('--hook', 'test/search-*', ...args)).map(({ hookId, outcome }) => `${hookId} ${outcome}`);
    const all = ['search-b created', 'search-a rejected', 'search-a created'];
    assert.deepEqual(await hooks(), all);
    assert.deepEqual(await hooks('--limit', '2'), all.slice(0, 2));
    assert.deepEqual(await hooks('--outcome', 'rejected', '--outcome', 'failed'), ['search-a rejected']);
    assert.deepEqual(await hooks('--text', 'MUST BE STRING', '--by', 'root'), ['search-a rejected']);
    assert.deepEqual(await hooks('--since', '1h', '--kind', 'fire', '--fired-by', 'triggerHook'), all);
    assert.deepEqual(await hooks('--until', '1h'), []);
    const [newest] = await search('--hook', 'test/search-b');
    assert.deepEqual(await search('--task', newest?.taskId ?? ''), [newest]);
    assert.deepEqual(await search('--request', newest?.requestId ?? '', '--cause', newest?.cause ?? ''), [newest]);
    const table = await world.succeed(['fires', 'search', '--hook', 'test/search-*']);
    assert.match(
      table,
      /^FIRE +ENDED +HOOK +OUTCOME +FIRED BY +TASK +REASON\n\d+ +\S+Z +test\/search-b +created +trigger/,
    );
    assert.match(table, /\n\d+ +\S+Z +test\/search-a +rejected +triggerHook +- +data\/who must be string\n/);
    assert.equal(await world.succeed(['fires', 'search', '--hook', 'none/*']), 'Nothing in the ledger fits.\n');
  });

  it('called wrongly says how to call it', async () => {
    const cases: readonly [readonly string[], RegExp][] = [
      [['--since', 'yesterday'], /--since is "yesterday".*how long ago/],
      [['--outcome', 'good'], /outcome/],
      [['--limit', '0'], /--limit is "0"/],
    ];
    for (const [args, message] of cases) {
      const { status, out, err } = await world.run(['fires', 'search', ...args]);
      assert.match(err, message);
      assert.deepEqual([status !== 0, out], [true, ''], args.join(' '));
    }
  });
});

describe('fires show', () => {
  it('explains a fire: each step, the task, and the payload', async () => {
    const created = await newestOf(await fired('show-created', 'you'));
    const said = await world.succeed(['fires', 'show', created]);
    assert.match(said, /^hook +test\/show-created\nrevision +1\narrived .*\nfired by +triggerHook, as root\n/s);
    assert.match(said, /\ntask +\S{22}, pending\npayload +\d+ bytes\n\nSTEP +VERDICT +REASON\nverified +passed +-\n/);
    assert.match(said, /\ncreated +passed +-\n\nwho: you\n$/);
    const rejected = await newestOf(await fired('show-rejected', 7));
    await world.succeed(['hooks', 'remove', 'test/show-rejected']);
    const why = await world.succeed(['fires', 'show', rejected]);
    assert.match(why, /^hook +test\/show-rejected, which was removed since\n/);
    assert.match(why, /\nvalidated +failed +data\/who must be string\nrendered +not reached +-\n/);
  });

  it('of what is no fire says so', async () => {
    const none = await world.run(['fires', 'show', '999999999']);
    assert.deepEqual([none.status, /cure: .* hookwright fires search/.test(none.err)], [3, true]);
    const { status, err } = await world.run(['fires', 'show', 'last']);
    assert.deepEqual([status, /"last" is not the number of a fire/.test(err)], [2, true]);
  });
});

describe('fires follow', () => {
  it('shows what comes, as it comes, until it is ended', async () => {
    const following = world.start(['fires', 'follow', '--hook', 'test/follow-*', '--json']);
    await eventually('it follows', () => following.err().includes('Following'));
    await fired('other', 'nobody');
    await fired('follow-this', 'you', 7);
    const rows = await eventually('it has shown both', () => {
      const lines = following.out().split('\n').filter(Boolean);
      return lines.length >= 2 && lines.map((line) => JSON.parse(line) as Fire);
    });
    assert.deepEqual(
      rows.map(({ hookId, outcome }) => [hookId, outcome]),
      [
        ['follow-this', 'created'],
        ['follow-this', 'rejected'],
      ],
    );
    following.process.kill('SIGINT');
    assert.equal((await following.end).status, 0);
  });

  it('shows a line for each, and refuses at once what cannot be', async () => {
    const following = world.start(['fires', 'follow', '--outcome', 'created', '--hook', 'test/lines']);
    await eventually('it follows', () => following.err().includes('Following'));
    await fired('lines', 7, 'you');
    const line = await eventually('it has shown one', () => following.out().includes('\n') && following.out());
    assert.match(line, /^\d+ +\S+Z {2}test\/lines +created +triggerHook +\S{22}\n$/);
    following.process.kill('SIGTERM');
    assert.equal((await following.end).status, 0);
    const { status, err } = await world.run(['fires', 'follow', '--outcome', 'good']);
    assert.notEqual(status, 0, err);
  });
});

describe('fires replay', () => {
  it('fires the event of one fire again, with the hook as it is or as it was', async () => {
    const name = await fired('replay', 'you');
    const seq = await newestOf(name);
    const task = { ...GREETING.task, payload: { changed: true } };
    await world.succeed(['hooks', 'update', name, '-'], { input: JSON.stringify({ ...GREETING, task }) });
    assert.match(await world.succeed(['fires', 'replay', seq]), /^outcome +created\ntask +\S{22}\n$/);
    const then = await world.json<{ taskId: string }>(['fires', 'replay', seq, '--then']);
    const made = await world.json<{ payload: object }>(['tasks', 'show', then.taskId]);
    assert.deepEqual(made.payload, { greeting: 'Hello, you!' });
    const { replayedInto } = await world.json<FireResponse>(['fires', 'show', seq]);
    assert.equal(replayedInto.length, 2);
    assert.match(
      await world.succeed(['fires', 'show', await newestOf(name)]),
      new RegExp(`\\nrepeats +the fire ${seq}\\n`),
    );
  });

  it('ends with 1 when no task comes of it', async () => {
    const { status, out } = await world.run(['fires', 'replay', await newestOf(await fired('replay-bad', 7))]);
    assert.deepEqual([status, /^outcome +rejected\nreason +.*must be string/.test(out)], [1, true], out);
  });

  it('of many shows first which, and fires them when it is told to', async () => {
    const name = await fired('many', 'a', 'b', 7);
    const args = ['fires', 'replay', '--hook', 'test/many', '--outcome', 'created'];
    const shown = await world.run(args);
    assert.match(shown.out, /^HOOK +EVENTS\ntest\/many +2\n$/);
    assert.match(shown.err, /^Nothing was done\. To fire 2 events again, add --start\.\n$/);
    const preview = await world.json<ReplayFiresResponse>(args);
    assert.deepEqual([preview.count, preview.isStarted], [2, false]);
    assert.equal((await search('--hook', name)).length, 3);

    const { status, out, err } = await world.run([...args, '--start', '--rate', '100']);
    assert.equal(status, 0, err);
    assert.match(err, /^Firing 2 events again\..*\nhookwright fires replay --job \S{36} shows/);
    assert.match(out, /^replay +\S{36}\nstate +done\nevents +2 of 2\n/);
    const jobId = /--job (\S+)/.exec(err)?.[1] ?? '';
    assert.equal((await search('--request', jobId)).length, 2);
    const job = await world.json<ReplayStatus>(['fires', 'replay', '--job', jobId]);
    assert.deepEqual([job.state, job.total, job.done], ['done', 2, 2]);
    assert.match(await world.succeed(['fires', 'replay', '--hook', 'none/*', '--start']), /^Nothing fits\.\n$/);
  });

  it('of many can be stopped by somebody else', async () => {
    await fired('stopped', 'a', 'b', 'c', 'd');
    const args = ['fires', 'replay', '--hook', 'test/stopped', '--start', '--rate', '1'];
    const waiting = world.start(args);
    const jobId = await eventually('it has begun', () => /--job (\S+)/.exec(waiting.err())?.[1]);
    const stopped = await world.json<ReplayStatus>(['fires', 'replay', '--job', jobId, '--cancel']);
    assert.equal(stopped.state, 'cancelled');
    const { out } = await waiting.end;
    assert.match(out, /\nstate +cancelled by root\n/);
  });

  it('called wrongly says how to call it', async () => {
    for (const args of [
      [],
      ['1', '--hook', 'a/*'],
      ['1', '--job', 'x'],
      ['newest'],
      ['--hook', 'a/*', '--rate', '0'],
    ]) {
      const { status, err } = await world.run(['fires', 'replay', ...args]);
      assert.equal(status, 2, `${args.join(' ')}\n${err}`);
    }
  });
});
