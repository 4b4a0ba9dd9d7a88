// Script hooks through the real tlon command and @urbit/http-api; what they do is seen by posting.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freshDatabaseUrl } from '../support/database.ts';
import { send } from '../support/request.ts';
import { newFolder, serve } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import {
  connectTlonApi,
  connectUrbit,
  logIn,
  NEEDS_TLON,
  pokeWith,
  runTlon,
  runTlonWith,
  serveAirlock,
} from './support.ts';

const cleanup = lastFirst({ after });
const env = { DATABASE_URL: await freshDatabaseUrl(cleanup) };
const server = await serveAirlock(cleanup, ['~zod', '~nec', '~bud'], { env });
const GROUP = '~zod/club';
const LOUNGE = 'chat/~zod/lounge';
const EXAMPLES = fileURLToPath(new URL('../../examples/scripts/', import.meta.url));
const DENIES = `module.exports = (event) =>
  ({ event: JSON.stringify(event).includes("casino") ? { denied: "not here" } : { allowed: event }, effects: [] });`;
const SHOUTS = `const shout = (event) => {
  const post = event["on-post"]?.add;
  if (post) post.essay.content = [{ inline: [post.essay.content[0].inline[0].toUpperCase()] }];
  return { event: { allowed: event }, effects: [] };
};
module.exports = shout;`;
const AS_HOON = `/-  h=hooks\n/+  builder=hook-builder-js\n%-  builder\n'''\n${SHOUTS}\n'''\n`;

/** An action of a ship, without the airlock. */
const act = (ship: string, action: object) =>
  send(server.url, `/api/community/v1/ships/${ship}/act`, {
    method: 'POST',
    body: JSON.stringify(action),
    headers: { 'content-type': 'application/json' },
    credentials: server.credentials,
  });
const post = (text: string) => {
  const essay = { content: [{ inline: [text] }], author: '~nec', sent: 1743465600000, 'kind-data': { chat: null } };
  return act('~nec', { channels: { channel: { nest: LOUNGE, action: { post: { add: essay } } } } });
};
type Post = {
  readonly seal: { readonly id: string; readonly reacts: Record<string, { readonly react: string }> };
  readonly essay: { readonly content: readonly [{ readonly inline: readonly string[] }] };
};
/** As ~nec reads them. */
const posts = async (): Promise<readonly Post[]> => {
  const path = `/api/community/v1/ships/~nec/channels/${encodeURIComponent(LOUNGE)}/posts`;
  return (await send(server.url, path, { credentials: server.credentials })).json.posts;
};

const tlon = async (t: TestContext, ...args: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await runTlon(t, server, '~zod', 'hooks', ...args);
  assert.equal(status, 0, `tlon hooks ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};
/** What the command prints of the update that came. */
const updateOf = (stdout: string) => JSON.parse(/\[hooks update\] (\{.*\})/s.exec(stdout)?.[1] ?? assert.fail(stdout));
const fileOf = async (t: TestContext, name: string, text: string): Promise<string> => {
  const file = join(await newFolder(t), name);
  await writeFile(file, text);
  return file;
};
const add = async (t: TestContext, name: string, src: string, as = `${name}.js`): Promise<string> =>
  updateOf(await tlon(t, 'add', name, await fileOf(t, as, src))).set.id;

before(async () => {
  const meta = { title: 'Club', description: '', image: '', cover: '' };
  const group = {
    ...{ fleet: {}, cabals: {}, zones: {}, 'zone-ord': [], channels: {}, 'active-channels': [], bloc: ['admin'] },
    ...{ cordon: { open: { ships: [], ranks: [] } }, meta, secret: false, 'flagged-content': {} },
  };
  const channel = { kind: 'chat', name: 'lounge', group: GROUP, title: 'L', description: '', readers: [], writers: [] };
  const joins = { groups: { flag: GROUP, update: { diff: { fleet: { ships: ['~nec'], diff: { add: null } } } } } };
  const actions: readonly [string, object][] = [
    ['~zod', { groups: { flag: GROUP, update: { diff: { create: group } } } }],
    ['~nec', joins],
    ['~zod', { channels: { create: channel } }],
    ['~nec', { channels: { channel: { nest: LOUNGE, action: { join: GROUP } } } }],
  ];
  for (const [ship, action] of actions) {
    const { status, text } = await act(ship, action);
    assert.equal(status, 200, text);
  }
});

describe('tlon hooks', NEEDS_TLON, () => {
  it('manages a hook from its first line to its end', async (t) => {
    const id = await add(t, 'filter', DENIES);
    assert.deepEqual(updateOf(await tlon(t, 'order', LOUNGE, id)), { order: { nest: LOUNGE, seq: [id] } });
    const { status, json } = await post('the casino');
    assert.deepEqual([status, json.code], [409, 'ActionDenied']);
    assert.match(json.message, /^not here/);
    assert.equal((await post('hello')).status, 200);

    const edited = updateOf(
      await tlon(t, 'edit', id, '--src', await fileOf(t, 'shouts.hoon', AS_HOON), '--name', 'shouts'),
    );
    assert.deepEqual([edited.set.name, edited.set.src, edited.set.error], ['shouts', AS_HOON, null]);
    assert.equal((await post('quiet')).status, 200);
    assert.deepEqual((await posts())[0]?.essay.content, [{ inline: ['QUIET'] }]);

    const config = updateOf(await tlon(t, 'config', id, LOUNGE, 'emoji=👍', 'words=spam,scam', 'empty'));
    const cords = { emoji: '0w4r8.P~w20', words: '0w3qMIr.CmdH2.UeoY0', empty: '0w2' };
    assert.deepEqual(config, { config: { id, nest: LOUNGE, config: cords } });
    const { cron } = updateOf(await tlon(t, 'cron', id, '~h1', '--nest', LOUNGE));
    assert.deepEqual([cron.id, cron.origin, cron.schedule.repeat], [id, LOUNGE, '~h1']);
    assert.equal(updateOf(await tlon(t, 'cron', id, '~d1')).cron.origin, 'global');

    const listed = await tlon(t, 'list');
    for (const part of ['shouts', id, LOUNGE]) assert.ok(listed.includes(part), listed);
    const got = await tlon(t, 'get', id);
    for (const part of ['shouts', 'toUpperCase', cords.words]) assert.ok(got.includes(part), got);

    assert.deepEqual(updateOf(await tlon(t, 'rest', id)), { rest: { id, origin: 'global' } });
    assert.deepEqual(updateOf(await tlon(t, 'rest', id, '--nest', LOUNGE)), { rest: { id, origin: LOUNGE } });
    assert.deepEqual(updateOf(await tlon(t, 'delete', id)), { gone: id });
    assert.equal((await post('the casino')).status, 200);
    assert.match((await runTlon(t, server, '~zod', 'hooks', 'get', id)).stderr, /Hook not found/);
  });

  it('gives a hook texts that it finds in its config, and does what it asks for', async (t) => {
    const { set } = updateOf(await tlon(t, 'add', 'reacts', join(EXAMPLES, 'auto-react.js')));
    await tlon(t, 'config', set.id, LOUNGE, 'word=coffee', 'emoji=:coffee:');
    await tlon(t, 'order', LOUNGE, set.id);
    const { id } = (await post('more coffee please')).json;
    await eventually('the hook reacts', async () => {
      const { seal } = (await posts()).find((one) => one.seal.id === id) ?? assert.fail();
      return seal.reacts['~zod']?.react === ':coffee:';
    });
    await tlon(t, 'delete', set.id);
  });

  it('stores a script that does not compile, and says why', async (t) => {
    const { set } = updateOf(await tlon(t, 'add', 'broken', await fileOf(t, 'broken.js', 'module.exports = (')));
    assert.match(set.error, /^SyntaxError: .*line 1/);
    const hoon = updateOf(await tlon(t, 'add', 'hoon', await fileOf(t, 'plain.hoon', '|=  a=@\n(add a 1)\n')));
    assert.match(hoon.set.error, /This is Hoon/);
    assert.match(await tlon(t, 'list'), /Compiled: ✗/);
  });

  it('is refused in one line when it cannot be, and when another ship than the host asks', async (t) => {
    const missing = await runTlon(t, server, '~zod', 'hooks', 'delete', '0v5.fffff');
    assert.deepEqual(
      [missing.status, /^Error: (.*)$/m.exec(missing.stderr)?.[1]],
      [1, 'There is no script hook 0v5.fffff'],
    );
    const file = await fileOf(t, 'x.js', DENIES);
    const other = await runTlon(t, server, '~nec', 'hooks', 'add', 'mine', file);
    assert.equal(other.status, 1);
    assert.match(other.stderr, /Only ~zod, whose hooks these are, may change them/);
    const listed = await runTlon(t, server, '~nec', 'hooks', 'list');
    assert.equal(listed.status, 1);
    assert.doesNotMatch(listed.stdout + listed.stderr, /broken/);
  });

  it('needs no code once it has a cookie, and says when that is dead', async (t) => {
    const home = await newFolder(t);
    const login = ['--url', server.url, '--ship', '~zod'];
    const first = await runTlonWith(home, [...login, '--code', server.codeOf('~zod'), 'hooks', 'list']);
    assert.equal(first.status, 0, first.stderr);
    const cached = await runTlonWith(home, ['hooks', 'add', 'by-cookie', await fileOf(t, 'x.js', DENIES)]);
    assert.equal(cached.status, 0, cached.stderr);
    assert.equal(updateOf(cached.stdout).set.name, 'by-cookie');
    const cookie = await logIn(server, '~zod');
    assert.equal((await runTlonWith(home, ['--url', server.url, '--cookie', cookie, 'hooks', 'list'])).status, 0);
    await send(server.url, '/~/logout', { method: 'POST', headers: { cookie } });
    const dead = await runTlonWith(home, ['--url', server.url, '--cookie', cookie, 'hooks', 'list']);
    assert.deepEqual([dead.status, /Unable to authenticate/.test(dead.stderr)], [1, true], dead.stderr);
    const { cookie: kept } = JSON.parse(await readFile(join(home, 'cache', 'zod.json'), 'utf8'));
    await send(server.url, '/~/logout', { method: 'POST', headers: { cookie: kept } });
    const again = await runTlonWith(home, [...login, '--code', server.codeOf('~zod'), 'hooks', 'list']);
    assert.equal(again.status, 0, again.stderr);
  });

  it('begins a hook in a file', async (t) => {
    assert.match(await tlon(t, 'init', 'mine'), /mine/);
  });
});

describe('a hook of a channel', NEEDS_TLON, () => {
  const essay = (text: string) => ({
    ...{ content: [{ inline: [text] }], author: '~nec', sent: 1743465600000 },
    ...{ kind: '/chat', meta: null, blob: null },
  });
  const adding = (text: string) => ({ channel: { nest: LOUNGE, action: { post: { add: essay(text) } } } });

  it('says to whoever posts why it denies, whatever they post with', async (t) => {
    const id = await add(t, 'filter', DENIES);
    await tlon(t, 'order', LOUNGE, id);
    const nec = await connectUrbit(t, server, '~nec');
    await assert.rejects(pokeWith(nec, 'channels', 'channel-action-2', adding('casino')), /^Error: not here$/);
    const denied = await runTlon(t, server, '~nec', 'posts', 'send', LOUNGE, 'the casino');
    assert.deepEqual([denied.status, /^Error: (.*)$/m.exec(denied.stderr)?.[1]], [1, 'not here']);
    await pokeWith(nec, 'channels', 'channel-action-2', adding('a walk'));
    await tlon(t, 'delete', id);
  });

  it('changes what others read', async (t) => {
    const id = await add(t, 'shouts', AS_HOON, 'shouts.hoon');
    await tlon(t, 'order', LOUNGE, id);
    const sent = await runTlon(t, server, '~nec', 'posts', 'send', LOUNGE, 'quietly');
    assert.equal(sent.status, 0, sent.stderr);
    const read = await runTlon(t, server, '~zod', 'messages', 'channel', LOUNGE, '--limit', '1');
    assert.match(read.stdout, /QUIETLY/);
    await tlon(t, 'delete', id);
  });

  it('is named to those who read the channel, and to nobody else', async (t) => {
    const id = await add(t, 'named', DENIES);
    await tlon(t, 'order', LOUNGE, id);
    const [nec, bud] = [await connectTlonApi(t, server, '~nec'), await connectTlonApi(t, server, '~bud')];
    const meta = { title: '', description: '', image: '', cover: '' };
    assert.deepEqual(await nec.call('getChannelHooksPreview', LOUNGE), [{ name: 'named', meta }]);
    assert.deepEqual(await bud.call('getChannelHooksPreview', LOUNGE), []);
    await tlon(t, 'delete', id);
  });
});

describe('whoever watches hooks with @urbit/http-api', NEEDS_TLON, () => {
  it('is told of everything that the tlon command does, in order', async (t) => {
    const urbit = await connectUrbit(t, server, '~zod');
    const came: Record<string, unknown>[] = [];
    await urbit.subscribe({
      ...{ app: 'channels-server', path: '/v0/hooks' },
      event: (fact: Record<string, unknown>, mark: string) => came.push({ mark, ...fact }),
    });
    const id = await add(t, 'watched', DENIES);
    await tlon(t, 'order', LOUNGE, id);
    await pokeWith(urbit, 'channels-server', 'hook-action-0', { del: id });
    await eventually('all has come', () => came.some((fact) => fact.gone === id));
    assert.deepEqual(
      came.map((fact) => Object.keys(fact)),
      [
        ['mark', 'set'],
        ['mark', 'order'],
        ['mark', 'gone'],
      ],
    );
    assert.ok(came.every(({ mark }) => mark === 'hook-response-0'));
  });

  it('is told of what is done through another process of the server', async (t) => {
    const other = await serve(t, server.dataFolder, { env });
    const urbit = await connectUrbit(t, { ...server, url: other.url }, '~zod');
    const names: string[] = [];
    await urbit.subscribe({
      ...{ app: 'channels-server', path: '/v0/hooks' },
      event: ({ set }: { set?: { name: string } }) => names.push(set?.name ?? 'something else'),
    });
    await add(t, 'from elsewhere', DENIES);
    await eventually('it has come', () => names.length > 0);
    assert.deepEqual(names, ['from elsewhere']);
  });

  it('reads all of them, and others what runs on a channel that they read', async (t) => {
    const id = await add(t, 'previewed', DENIES);
    await tlon(t, 'order', LOUNGE, id);
    const [zod, bud] = [await connectUrbit(t, server, '~zod'), await connectUrbit(t, server, '~bud')];
    const all = await zod.scry<{ order: object; hooks: Record<string, { name: string }> }>({
      app: 'channels-server',
      path: '/v0/hooks',
    });
    assert.deepEqual([all.order, all.hooks[id]?.name], [{ [LOUNGE]: [id] }, 'previewed']);
    await assert.rejects(bud.scry({ app: 'channels-server', path: '/v0/hooks' }), { status: 404 });
    await assert.rejects(
      pokeWith(bud, 'channels-server', 'hook-action-0', { del: id }),
      /Only ~zod, whose hooks these are, may change them/,
    );
    const full = await zod.subscribeOnce('channels-server', '/v0/hooks/full');
    assert.deepEqual(full, all);
  });
});
