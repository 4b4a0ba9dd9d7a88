import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type ApiCallError, ScriptHooks } from '../../../client/index.ts';
import { send } from '../../../test/support/request.ts';
import { lastFirst } from '../../../test/support/wait.ts';
import { silentLog } from '../../core/log.ts';
import { createMetrics } from '../../core/metrics.ts';
import type { Caller, ScopeExpression } from '../../http/api-method.ts';
import { serveApis } from '../../http/serve-api.ts';
import { createHttpServer } from '../../http/server.ts';
import { createWorld, FES, HOST, LETS_PASS, LOUNGE, NEC, type World } from '../test-support/hosting-world.ts';
import { createScriptHooksApi } from './api.ts';

let world: World;
let url: string;
const undo = new AsyncDisposableStack();
/** Of whoever calls. */
let scopes: readonly string[] = [];

before(async () => {
  const cleanup = lastFirst({ after: (step) => undo.defer(step) });
  world = await createWorld(cleanup);
  const { database, clock, library, sandbox } = world;
  const metrics = createMetrics();
  const server = createHttpServer({ clock, log: silentLog, metrics, checkReadiness: async () => {} });
  const has = (asked: ScopeExpression): boolean =>
    typeof asked === 'string'
      ? scopes.includes(asked) || scopes.includes('*')
      : 'AllOf' in asked
        ? asked.AllOf.every(has)
        : asked.AnyOf.some(has);
  const ending = new AbortController().signal;
  serveApis(server, [createScriptHooksApi({ database, clock, library, sandbox, our: HOST, ending })], {
    authenticate: async (): Promise<Caller> => ({ clientId: 'me', scopes }),
    satisfies: (_caller, expression) => has(expression),
    forgive: () => {},
    rootUrl: () => '',
    ...{ clock, log: silentLog, metrics },
  });
  cleanup.after(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
});
after(() => undo.disposeAsync());

const by = (...held: readonly string[]): ScriptHooks => {
  scopes = held;
  return new ScriptHooks({ rootUrl: url, retries: 0 });
};
const add = async (src = LETS_PASS, name = 'mine'): Promise<string> =>
  (await by('*').act({ add: { name, src } })).set?.id ?? assert.fail();
const runOn = async (src: string, nest: string): Promise<string> => {
  const id = await add(src);
  await by('*').act({ order: { nest, seq: [id] } });
  return id;
};
const refusalOf = async (call: Promise<unknown>): Promise<ApiCallError> => {
  try {
    await call;
  } catch (error) {
    return error as ApiCallError;
  }
  return assert.fail('it was not refused');
};

describe('the script-hooks API', () => {
  it('does every action, and answers what the clients of the original expect', async () => {
    const scripts = by('*');
    const id = await add('module.exports = 1', 'all');
    assert.deepEqual(await scripts.act({ order: { nest: LOUNGE, seq: [id, '0v9'] } }), {
      order: { nest: LOUNGE, seq: [id] },
    });
    const config = { emoji: '0wdbkT.JHau0', n: 1 };
    assert.deepEqual(await scripts.act({ config: { id, nest: LOUNGE, config } }), {
      config: { id, nest: LOUNGE, config: { emoji: 'emoji', n: 1 } },
    });
    const { cron } = await scripts.act({ cron: { id, origin: null, schedule: '~h1' } });
    assert.deepEqual([cron?.origin, cron?.schedule.repeat], ['global', '~h1']);
    const shown = await scripts.script(id);
    assert.deepEqual(
      [shown.name, shown.src, shown.channels, Object.keys(shown.crons), shown.running],
      ['all', 'module.exports = 1', [LOUNGE], ['global'], 'src'],
    );
    assert.deepEqual(await scripts.act({ rest: { id, origin: null } }), { rest: { id, origin: 'global' } });
    assert.equal((await scripts.act({ edit: { id, name: 'renamed' } })).set?.name, 'renamed');
    assert.deepEqual(await scripts.act({ del: id }), { gone: id });
    assert.equal((await refusalOf(scripts.script(id))).statusCode, 404);
  });

  it('takes a source of a megabyte, and no larger one', async () => {
    const src = `${LETS_PASS}//"${'\\"'.repeat(500_000)}`;
    assert.equal((await by('*').act({ add: { name: 'large', src } })).set?.src, src);
    const refused = await refusalOf(by('*').act({ add: { name: 'larger', src: `${src}${'x'.repeat(60_000)}` } }));
    assert.deepEqual([refused.statusCode, refused.code], [400, 'InputError']);
    const body = JSON.stringify({ add: { name: 'huge', src: 'x'.repeat(5_000_000) } });
    const headers = { 'content-type': 'application/json' };
    assert.equal((await send(url, '/api/script-hooks/v1/actions', { method: 'POST', headers, body })).status, 413);
  });

  it('asks for its scopes: to read, to manage, to try, and to preview one channel', async () => {
    const id = await add();
    const run = '1';
    const calls: readonly [string, (scripts: ScriptHooks) => Promise<unknown>][] = [
      ['script-hooks:manage', (scripts) => scripts.act({ order: { nest: LOUNGE, seq: [] } })],
      ['script-hooks:manage', (scripts) => scripts.changeScript(id, { onError: 'allow' })],
      [
        'script-hooks:manage',
        (scripts) => scripts.setUpTemplate(LOUNGE, { from: LOUNGE, hooks: {}, order: [], crons: [] }),
      ],
      ['script-hooks:read', (scripts) => scripts.listScripts()],
      ['script-hooks:read', (scripts) => scripts.script(id)],
      ['script-hooks:read', (scripts) => scripts.exportTemplate(LOUNGE)],
      ['script-hooks:read', (scripts) => scripts.listRuns()],
      ['script-hooks:read', (scripts) => scripts.followRuns()],
      [`script-hooks:preview:${LOUNGE}`, (scripts) => scripts.preview(LOUNGE)],
    ];
    for (const [scope, call] of calls) {
      const others = ['script-hooks:read', 'script-hooks:manage', 'script-hooks:preview:chat/~zod/other'];
      const wrong = others.filter((other) => other !== scope && !(scope.includes('preview') && other.includes('read')));
      assert.equal((await refusalOf(call(by(...wrong)))).code, 'InsufficientScopes', `${scope} ${call}`);
      await call(by(scope));
    }
    for (const call of [
      (scripts: ScriptHooks) => scripts.run(run),
      (scripts: ScriptHooks) => scripts.replayRun(run),
      (scripts: ScriptHooks) => scripts.tryScript({ src: '', nest: LOUNGE }),
    ]) {
      assert.equal((await refusalOf(call(by('script-hooks:manage')))).code, 'InsufficientScopes');
    }
  });

  it('lists in pages', async () => {
    for (const name of ['a', 'b', 'c']) await add(LETS_PASS, name);
    const scripts = by('*');
    const all = (await scripts.listScripts()).scripts.map(({ id }) => id);
    const found: string[] = [];
    let continuationToken: string | undefined;
    do {
      const page = await scripts.listScripts({ limit: '2', ...(continuationToken && { continuationToken }) });
      found.push(...page.scripts.map(({ id }) => id));
      ({ continuationToken } = page);
    } while (continuationToken !== undefined);
    assert.deepEqual(found, all);
    assert.ok(all.length >= 3);
  });

  it('says where a wrong action is wrong', async () => {
    const refused = async (action: object) => {
      const { statusCode, message } = await refusalOf(by('*').act(action as Parameters<ScriptHooks['act']>[0]));
      return `${statusCode} ${message}`;
    };
    assert.match(await refused({}), /^400 [\s\S]*must NOT have fewer than 1 (properties|items)/);
    assert.match(await refused({ add: { name: 'x' } }), /^400 [\s\S]*must have required property 'src'/);
    assert.match(await refused({ del: '0v77' }), /^404 There is no script hook 0v77\./);
    assert.match(await refused({ order: { nest: 'lounge', seq: [] } }), /^400 .*\/order\/nest: must be a channel/);
    assert.match(
      await refused({ cron: { id: await add(), origin: null, schedule: 'never' } }),
      /^400 .*not a cron pattern/,
    );
  });
});

describe('a disabled script hook', () => {
  it('does not run and keeps its place, until it is enabled again', async () => {
    const nest = await world.channel('chat', 'disabling');
    const id = await runOn('module.exports = () => ({ event: { denied: "no" } });', nest);
    const tries = () => world.act(post(nest, 'hello'), NEC);
    assert.equal((await tries()).kind, 'denied');
    const { isEnabled, disabledReason } = await by('*').changeScript(id, { isEnabled: false, reason: 'too strict' });
    assert.deepEqual([isEnabled, disabledReason], [false, 'too strict']);
    assert.equal((await tries()).kind, 'done');
    assert.deepEqual((await by('*').script(id)).channels, [nest]);
    assert.equal((await by('*').changeScript(id, { isEnabled: true })).disabledReason, null);
    assert.equal((await tries()).kind, 'denied');
  });

  it('whose runs fail lets events pass or denies them, as it is set', async () => {
    const nest = await world.channel('chat', 'failing');
    const id = await runOn('module.exports = () => { throw new Error("oh"); };', nest);
    assert.equal((await world.act(post(nest, 'hello'), NEC)).kind, 'done');
    assert.equal((await by('*').changeScript(id, { onError: 'deny' })).onError, 'deny');
    assert.equal((await world.act(post(nest, 'hello'), NEC)).kind, 'denied');
  });
});

const post = (nest: string, text: string, author = NEC) => ({
  channels: {
    channel: {
      nest,
      action: {
        post: { add: { content: [{ inline: [text] }], author, sent: 1743465600000, 'kind-data': { chat: null } } },
      },
    },
  },
});

const COUNTS = `const hooks = require("tlon_hooks");
module.exports = (event) => {
  const count = (hooks.get_state() ?? 0) + 1;
  hooks.set_state(count);
  console.log("number", count, "of", hooks.get_members_here().length, Math.random());
  const texts = hooks.get_chat_messages_here().map((post) => post.essay.content[0].inline[0]);
  if (event["on-post"].add.essay.content[0].inline[0] === "bad") return { event: { denied: "not " + texts } };
  event["on-post"].add.essay.content = [{ inline: ["after " + texts] }];
  return { event: { allowed: event }, effects: [hooks.effects.send_dm("~fes", "psst")] };
};`;

describe('the runs of a hook', () => {
  let nest: string;
  let id: string;
  before(async () => {
    nest = await world.channel('chat', 'runs');
    id = await runOn(COUNTS, nest);
    for (const text of ['one', 'bad', 'two']) await world.act(post(nest, text), NEC);
  });

  it('are listed newest first, with what came of each', async () => {
    const { runs } = await by('*').listRuns({ hook: id });
    assert.deepEqual(
      runs.map(({ outcome, reason, src, eventKind, origin }) => [outcome, reason, src, eventKind, origin]),
      [
        ['allowed', null, NEC, 'on-post/add', nest],
        ['denied', 'not after ', NEC, 'on-post/add', nest],
        ['allowed', null, NEC, 'on-post/add', nest],
      ],
    );
    const [newest, denied] = runs;
    assert.match(newest?.prints[0] ?? '', /^number 3 of 4 0\.\d+$/);
    assert.deepEqual(Object.keys(newest?.effects[0] as object), ['dm']);
    assert.deepEqual([newest?.name, newest?.isRepeatable, denied?.effects], ['mine', true, []]);
    const whole = await by('*').run(String(newest?.id));
    assert.match(JSON.stringify(whole.event), /"two"/);
    assert.match(JSON.stringify(whole.changedEvent), /"after after "/);
  });

  it('come in pages, of one channel and of one hook', async () => {
    const scripts = by('*');
    const all = (await scripts.listRuns({ origin: nest })).runs;
    const first = await scripts.listRuns({ origin: nest, hook: id, limit: '2' });
    const token = first.continuationToken ?? assert.fail('there are more');
    const second = await scripts.listRuns({ origin: nest, hook: id, limit: '2', continuationToken: token });
    assert.deepEqual([...first.runs, ...second.runs], all);
    assert.equal(second.continuationToken, undefined);
    assert.deepEqual((await scripts.listRuns({ origin: 'chat/~zod/none' })).runs, []);
    assert.deepEqual((await scripts.listRuns({ hook: '0v77' })).runs, []);
  });

  it('are searched by hook, place, outcome, cause, kind, time and reason', async () => {
    const scripts = by('script-hooks:read');
    const [third, second, first] = (await scripts.listRuns({ hook: id })).runs.map((run) => run.id);
    const soon = new Date(world.clock.now() + 1).toISOString();
    const found = async (query: object) => (await scripts.searchRuns({ hook: id, ...query })).runs.map((run) => run.id);
    assert.deepEqual(await found({}), [third, second, first]);
    assert.deepEqual(await found({ outcome: 'denied,failed' }), [second]);
    assert.deepEqual(await found({ outcome: 'failed' }), []);
    assert.deepEqual(await found({ text: 'NOT after' }), [second]);
    assert.deepEqual(await found({ text: 'not_after' }), []);
    assert.deepEqual(await found({ src: NEC, eventKind: 'on-post/add', origin: nest }), [third, second, first]);
    assert.deepEqual(await found({ src: FES }), []);
    assert.deepEqual(await found({ eventKind: 'cron' }), []);
    assert.deepEqual(await found({ origin: 'global' }), []);
    assert.deepEqual(await found({ until: soon, since: '2020-01-01T00:00Z' }), [third, second, first]);
    assert.deepEqual(await found({ since: soon }), []);
    assert.deepEqual(await found({ until: '2020-01-01T00:00:00Z' }), []);
    const page = await scripts.searchRuns({ origin: nest, limit: '2' });
    assert.deepEqual(
      page.runs.map((run) => run.id),
      [third, second],
    );
    const token = page.continuationToken ?? assert.fail('there are more');
    assert.deepEqual(await found({ limit: '2', continuationToken: token }), [first]);
    assert.ok((await scripts.searchRuns({ text: 'not after' })).runs.length >= 1, 'of all hooks');
    for (const wrong of [{ outcome: 'lost' }, { since: 'today' }, { since: '2026-13-01T00:00Z' }, { src: 'nec' }]) {
      assert.equal((await refusalOf(scripts.searchRuns(wrong as object))).statusCode, 400, JSON.stringify(wrong));
    }
    assert.equal((await refusalOf(by('script-hooks:preview').searchRuns({}))).statusCode, 403);
  });

  it('can be followed from a run on, without those that were seen', async () => {
    const scripts = by('*');
    const ids = (await scripts.listRuns({ hook: id })).runs.map((run) => run.id).reverse();
    const [first = 0, second = 0, third = 0] = ids;
    const following = async (query: object) =>
      (await scripts.followRuns({ hook: id, ...query })).runs.map((run) => run.id);
    assert.deepEqual(await following({ after: String(first) }), [second, third]);
    assert.deepEqual(await following({ after: String(first - 1), seen: `${first},${third}` }), [second]);
    assert.deepEqual(await following({ after: String(third) }), []);
  });

  it('are repeated with the same event, effects, state and prints', async () => {
    const scripts = by('*');
    for (const run of (await scripts.listRuns({ hook: id })).runs) {
      const { isSame, differs, outcome, prints, reason } = await scripts.replayRun(String(run.id));
      assert.deepEqual([isSame, differs, reason], [true, [], run.reason]);
      assert.deepEqual([outcome, prints, reason], [run.outcome, run.prints, run.reason]);
    }
    assert.equal((await scripts.listRuns({ hook: id })).runs.length, 3, 'nothing was added');
  });

  it('are repeated with the source that they had, also after edits', async () => {
    const edited = await runOn('module.exports = (e) => { console.log("old"); return {event: {allowed: e}}; }', nest);
    await world.act(post(nest, 'hello'), NEC);
    const [run] = (await by('*').listRuns({ hook: edited })).runs;
    await by('*').act({ edit: { id: edited, src: 'module.exports = () => ({event: {denied: "new"}})' } });
    assert.deepEqual((await by('*').replayRun(String(run?.id))).prints, ['old']);
    await by('*').act({ del: edited });
    const refused = await refusalOf(by('*').replayRun(String(run?.id)));
    assert.deepEqual([refused.statusCode, /its source is not kept any more/.test(refused.message)], [409, true]);
    assert.equal((await by('*').run(String(run?.id))).name, null);
  });

  it('that differ say in what', async () => {
    const [run] = (await by('*').listRuns({ hook: id })).runs;
    const replay = `update script_runs set replay = jsonb_set(replay::jsonb, '{stateJson}', '"40"')::json where id = $1`;
    await world.rows(replay, [run?.id]);
    const { isSame, differs, prints } = await by('*').replayRun(String(run?.id));
    assert.deepEqual([isSame, differs], [false, ['state', 'prints']]);
    assert.match(prints[0] ?? '', /^number 41/);
  });

  it('that read more than is kept say so, and cannot be repeated', async () => {
    const big = await world.channel('chat', 'big');
    for (let n = 0; n < 5; n += 1) await world.act(post(big, 'x'.repeat(20_000)), NEC);
    const reads = await runOn(COUNTS.replace('0].inline[0])', '0].inline[0].length)'), big);
    await world.act(post(big, 'hello'), NEC);
    const [run] = (await by('*').listRuns({ hook: reads })).runs;
    assert.equal(run?.isRepeatable, false);
    assert.match((await refusalOf(by('*').replayRun(String(run?.id)))).message, /more than the 64 KB/);
  });

  it('that are not there are not found', async () => {
    assert.equal((await refusalOf(by('*').run('999999'))).statusCode, 404);
    assert.equal((await refusalOf(by('*').replayRun('999999'))).statusCode, 404);
  });
});

describe('trying a script on a channel', () => {
  const SHOUTS = `module.exports = (event) => {
  const post = event["on-post"]?.add;
  if (post === undefined) return { event: { denied: "posts only" } };
  const hooks = require("tlon_hooks");
  hooks.set_state((hooks.get_state() ?? 0) + 1);
  const text = post.essay.content[0].inline[0];
  hooks.print(hooks.bowl.config.prefix + text);
  if (text === "bad") throw new Error("oh no");
  post.essay.content[0].inline[0] = text.toUpperCase();
  return { event: { allowed: event }, effects: [hooks.effects.kick_user("~fes"), { nonsense: 1 }] };
};`;

  it('runs it on the events that hooks saw, and changes nothing', async () => {
    const nest = await world.channel('chat', 'tried');
    const [a, b] = [await add(), await add(LETS_PASS.replace('=> (', '=> (event["on-post"].add.revision = "5", '))];
    await by('*').act({ order: { nest, seq: [b, a] } });
    for (const text of ['skipped', 'one', 'bad', 'two']) await world.act(post(nest, text), NEC);
    const before = [await world.texts(nest), (await by('*').listRuns({ origin: nest })).runs.length];
    const config = { prefix: '> ' };
    const { from, events, state, endedEarly } = await by('*').tryScript({ src: SHOUTS, nest, last: 3, config });
    assert.deepEqual([from, state, endedEarly], ['runs', 2, null]);
    assert.deepEqual(
      events.map(({ outcome, reason, prints, changes }) => [outcome, reason, prints, changes]),
      [
        ['allowed', null, ['> one'], ['~ /on-post/add/essay/content/0/inline/0: "one" → "ONE"']],
        ['failed', 'Error: oh no', ['> bad'], []],
        ['allowed', null, ['> two'], ['~ /on-post/add/essay/content/0/inline/0: "two" → "TWO"']],
      ],
    );
    assert.equal(events[0]?.effects.length, 1);
    assert.match(events[0]?.dropped[0]?.pointer ?? '', /^\/effects\/1/);
    assert.deepEqual([await world.texts(nest), (await by('*').listRuns({ origin: nest })).runs.length], before);
    assert.ok(Object.hasOwn((await world.group()).fleet, FES));
  });

  it('runs it on the posts, where no hook has seen anything', async () => {
    const nest = await world.channel('chat', 'quiet');
    for (const text of ['one', 'two', 'three']) await world.act(post(nest, text), NEC);
    const { from, events } = await by('*').tryScript({ src: SHOUTS, nest, last: 2, config: { prefix: '' } });
    assert.equal(from, 'posts');
    assert.deepEqual(
      events.map(({ prints, ship, eventKind }) => [prints[0], ship, eventKind]),
      [
        ['two', NEC, 'on-post/add'],
        ['three', NEC, 'on-post/add'],
      ],
    );
  });

  it('is done for two callers at a time', async () => {
    const slow = 'module.exports = () => { for (;;); };';
    await world.act(post(LOUNGE, 'hello'), NEC);
    const scripts = by('*');
    const tries = [1, 2, 3].map(() => scripts.tryScript({ src: slow, nest: LOUNGE, last: 1 }));
    const ended = await Promise.allSettled(tries);
    const refused = ended.flatMap((one) => (one.status === 'rejected' ? [(one.reason as ApiCallError).code] : []));
    assert.deepEqual(refused, ['TooManyRequests']);
  });

  it('is refused for what does not compile, and where there is no channel', async () => {
    const wrong = await refusalOf(by('*').tryScript({ src: 'module.exports = (', nest: LOUNGE }));
    assert.match(`${wrong.statusCode} ${wrong.message}`, /^400 SyntaxError: .* \(line 1, column \d+\)/);
    for (const nest of ['chat/~zod/none', 'chat/~zod/none\0']) {
      const nowhere = await refusalOf(by('*').tryScript({ src: LETS_PASS, nest }));
      assert.match(`${nowhere.statusCode} ${nowhere.message}`, /^404 There is no channel chat\/~zod\/none/);
    }
  });
});

describe('a template over HTTP', () => {
  it('moves the hooks of a channel to another one, and a preview says which they are', async () => {
    const [from, into] = [await world.channel('chat', 'from'), await world.channel('chat', 'into')];
    const id = await runOn('module.exports = () => ({ event: { denied: "closed" } });', from);
    const template = await by('*').exportTemplate(from);
    const { ids } = await by('*').setUpTemplate(into, template);
    assert.deepEqual(ids, { [id]: id });
    assert.equal((await world.act(post(into, 'hello'), NEC)).kind, 'denied');
    const scripts = by(`script-hooks:preview:${into}`);
    assert.deepEqual(
      (await scripts.preview(into)).scripts.map(({ name }) => name),
      ['mine'],
    );
  });
});
