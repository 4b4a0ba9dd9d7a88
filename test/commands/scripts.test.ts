// hookwright scripts, against a server.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import type { ListRunsResponse, ScriptResponse } from '../../client/index.ts';
import { freshDatabaseUrl } from '../support/database.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { newWorld, type World } from './command-world.ts';

type RunEntry = ListRunsResponse['runs'][number];

const PASSES = 'module.exports = (event) => ({ event: { allowed: event }, effects: [] });\n';
const SAYS = `const hooks = require("tlon_hooks");
module.exports = (event) => {
  hooks.set_state((hooks.get_state() ?? 0) + 1);
  console.log("run", hooks.get_state(), hooks.bowl.config.word);
  return { event: { allowed: event }, effects: [] };
};
`;
const NEST = 'chat/~zod/lounge';

let world: World;
const undo = new AsyncDisposableStack();
before(async () => {
  const cleanup = lastFirst({ after: (step) => undo.defer(step) });
  const url = await freshDatabaseUrl(cleanup);
  world = await newWorld(cleanup, { DATABASE_URL: url });
  await makeChannel(url);
});
after(() => undo.disposeAsync());

/** A channel with two posts, as users have left it. */
const makeChannel = async (connectionString: string) => {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const post = (id: string, text: string) => ({
    seal: { id, replies: {}, reacts: {} },
    revision: '0',
    essay: { content: [{ inline: [text] }], author: '~nec', sent: 1743465600000, 'kind-data': { chat: null } },
  });
  await client.query("insert into channels (nest, flag, posts, doc) values ($1, '~zod/club', 2, '{}')", [NEST]);
  for (const [id, text] of [
    ['170141184507313431682019536779450777600', 'first'],
    ['170141184507313431682019536779450777700', "don't"],
  ] as const) {
    await client.query(
      'insert into posts (nest, seq, id, author, doc) select $1, count(*) + 1, $2, $3, $4 from posts',
      [NEST, id, '~nec', JSON.stringify(post(id, text))],
    );
  }
  await client.end();
};

const file = async (name: string, content: string): Promise<string> => {
  await writeFile(join(world.folder, name), content);
  return name;
};
const add = async (name: string, content: string): Promise<string> =>
  (await world.json<{ id: string }>(['scripts', 'add', await file(`${name}.js`, content)])).id;

describe('hookwright scripts', () => {
  it('adds a script under the name of its file, from files and from standard input', async () => {
    assert.match(
      await world.succeed(['scripts', 'add', await file('greeter.js', PASSES)]),
      /^Added the script hook greeter: 0v\S+\n$/,
    );
    const args = ['scripts', 'add', '-', '--name', 'piped', '--on-error', 'deny'];
    const { id } = await world.json<{ id: string }>(args, { input: PASSES });
    const shown = await world.json<ScriptResponse>(['scripts', 'show', 'piped']);
    assert.deepEqual([shown.id, shown.src, shown.onError], [id, PASSES, 'deny']);
    assert.equal(await world.succeed(['scripts', 'show', id, '--source']), PASSES);
    const list = await world.succeed(['scripts', 'list']);
    assert.match(list, /^ID +NAME +RUNS/);
    assert.match(list, /0v\S+ +greeter +yes +allow/);
  });

  it('bundles TypeScript, and leads from an error to the line where it was written', async () => {
    await file('words.ts', 'export const word: string = "hello";\n');
    const main =
      'import { word } from "./words.ts";\nexport default (event: unknown) => ({ event: { denied: word } });\n';
    await world.succeed(['scripts', 'add', await file('typed.ts', main)]);
    assert.match(await world.succeed(['scripts', 'show', 'typed', '--source']), /"hello"/);
    const { status, err } = await world.run(['scripts', 'add', await file('broken.js', '\nmodule.exports = (')]);
    assert.equal(status, 1);
    assert.match(err, /^It does not compile: SyntaxError: .*, at broken\.js:\d:\d+\.$/m);
    assert.match(await world.succeed(['scripts', 'list']), /broken +no: it does not compile/);
    const missing = await world.run(['scripts', 'add', 'not-there.js']);
    assert.deepEqual(
      [missing.status, /not-there\.js cannot be used: there is no such file\./.test(missing.err)],
      [1, true],
    );
  });

  it('edits, and says that what ran goes on when the new source does not compile', async () => {
    const id = await add('edited', PASSES);
    assert.match(
      await world.succeed(['scripts', 'edit', 'edited', '--name', 'renamed']),
      /^Changed the script hook renamed/,
    );
    const { status, err } = await world.run(['scripts', 'edit', id, await file('bad.js', 'let = (')]);
    assert.deepEqual([status, /The source that compiled before goes on running/.test(err)], [1, true]);
    assert.match(await world.succeed(['scripts', 'show', id]), /runs +an earlier source/);
    assert.equal((await world.run(['scripts', 'edit', id])).status, 2);
  });

  it('orders, configures, exports and sets up the hooks of channels', async () => {
    const [a, b] = [await add('a', PASSES), await add('b', PASSES)];
    assert.equal(await world.succeed(['scripts', 'order', 'chat/~zod/x', 'b,a']), `On chat/~zod/x run: ${b}, ${a}\n`);
    const config = await world.succeed([
      'scripts',
      'config',
      'a',
      'chat/~zod/x',
      '--set',
      'k=v=1',
      '--config',
      '{"n": [1]}',
    ]);
    assert.equal(config, `${a} has on chat/~zod/x: {"n":[1],"k":"v=1"}\n`);
    const template = await file('template.json', await world.succeed(['scripts', 'template', 'chat/~zod/x']));
    await world.succeed(['scripts', 'template', 'chat/~zod/y', '--set-up', template]);
    const shown = await world.json<ScriptResponse>(['scripts', 'show', 'a']);
    assert.deepEqual(shown.channels, ['chat/~zod/x', 'chat/~zod/y']);
    assert.deepEqual(shown.config['chat/~zod/y'], { n: [1], k: 'v=1' });
    assert.match(await world.succeed(['scripts', 'preview', 'chat/~zod/y']), /^NAME.*\nb +.*\na /);
    await world.succeed(['scripts', 'order', 'chat/~zod/x', '--none']);
    assert.deepEqual((await world.json<ScriptResponse>(['scripts', 'show', 'a'])).channels, ['chat/~zod/y']);
    assert.equal((await world.run(['scripts', 'order', 'chat/~zod/x'])).status, 2);
    await world.succeed(['scripts', 'remove', 'a']);
    const gone = await world.run(['scripts', 'show', a]);
    assert.deepEqual([gone.status, /No such script hook/.test(gone.err)], [3, true]);
  });

  it('names a hook by its name only when one has it', async () => {
    const ids = [await add('twin', PASSES), await add('twin', PASSES)];
    const { status, err } = await world.run(['scripts', 'disable', 'twin']);
    assert.equal(status, 2);
    for (const id of ids) assert.ok(err.includes(id));
    assert.match((await world.run(['scripts', 'show', 'nobody'])).err, /There is no script hook "nobody"/);
  });
});

describe('the runs of a hook by a schedule', () => {
  it('come live with what the script prints, and can be repeated', async () => {
    const id = await add('ticker', SAYS);
    const following = world.start(['scripts', 'runs', id, '--follow']);
    assert.match(
      await world.succeed(['scripts', 'cron', 'ticker', '~s1', '--config', '{"word": "tick"}']),
      /^It runs next at ~\d{4}\.\S+ \(without a channel\)\.\n$/,
    );
    await eventually('two runs were shown', () => following.out().includes('| run 2 tick'));
    following.process.kill('SIGINT');
    assert.equal((await following.end).status, 0);
    assert.match(
      following.out(),
      /^\d+ {2}\S+Z {2}ticker {2}allowed\n {4}cron by ~zod in no channel, \d+\.\d ms\n {4}\| run 1 tick\n/,
    );
    assert.equal(
      await world.succeed(['scripts', 'rest', 'ticker']),
      'It does not run by a schedule any more (without a channel).\n',
    );

    const runs = await world.json<RunEntry[]>(['scripts', 'runs', 'ticker', '--channel', 'global']);
    const [first] = runs.toReversed();
    assert.deepEqual([first?.prints, first?.outcome, first?.src], [['run 1 tick'], 'allowed', '~zod']);
    assert.match(
      await world.succeed(['scripts', 'runs', '--run', String(first?.id)]),
      /event:\n\{\n {2}"cron": null\n\}\n$/,
    );
    assert.match(
      await world.succeed(['scripts', 'replay', String(first?.id)]),
      /^The same came out\.\nallowed, 0 effects\n {2}\| run 1 tick\n$/,
    );
    assert.equal((await world.run(['scripts', 'replay', '99999999'])).status, 3);
    assert.equal((await world.run(['scripts', 'replay', 'last'])).status, 2);
  });

  it('do not come while it is disabled', async () => {
    await add('sleeper', SAYS);
    await world.succeed(['scripts', 'disable', 'sleeper', '--reason', 'too loud']);
    assert.match(await world.succeed(['scripts', 'list']), /sleeper +no: too loud/);
    await world.succeed(['scripts', 'cron', 'sleeper', '~h1']);
    await world.succeed(['scripts', 'enable', 'sleeper']);
    assert.match(await world.succeed(['scripts', 'show', 'sleeper']), /runs +yes[\s\S]*cron +global: \{"next":"~/);
  });
});

describe('hookwright scripts test', () => {
  it('says what a script would have done on the posts of a channel, and touches nothing', async () => {
    const shouts = `module.exports = (event) => {
  const post = event["on-post"].add;
  post.essay.content[0].inline[0] += "!";
  console.log(require("tlon_hooks").bowl.config.word);
  return { event: { allowed: event }, effects: [require("tlon_hooks").effects.send_dm("~fes", "psst")] };
};`;
    const args = ['scripts', 'test', await file('shouts.js', shouts), '--channel', NEST, '--last', '5'];
    const said = await world.succeed([...args, '--config', '{"word": "hm"}']);
    assert.match(
      said,
      /on-post\/add by ~nec {2}allowed\n {4}~ \/on-post\/add\/essay\/content\/0\/inline\/0: "don't" → "don't!"\n/,
    );
    assert.match(
      said,
      / {4}would do \{"dm":.*\n {4}\| hm\n2 posts of the channel, as if each came anew\. Nothing was touched\./,
    );
    assert.deepEqual(await world.json(['scripts', 'runs', '--channel', NEST]), []);
    assert.equal((await world.run(args.slice(0, 3))).status, 2);
    const nowhere = await world.run(['scripts', 'test', 'shouts.js', '--channel', 'chat/~zod/nowhere']);
    assert.deepEqual([nowhere.status, /There is no channel/.test(nowhere.err)], [3, true]);
  });
});
