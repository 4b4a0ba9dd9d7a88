// The ledger over all hooks: searched in pages, and one fire explained. Rows are written as the
// server writes them.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { newSlugId } from '../../src/core/ids.ts';
import { createLedger } from '../../src/ledger/create-ledger.ts';
import type { LedgerEntry } from '../../src/ledger/entry.ts';
import { fire, START } from '../../src/ledger/test-support/entries.ts';
import { eventually } from '../support/wait.ts';
import { bindingTo, definition } from './support/definitions.ts';
import { createWorld } from './support/world.ts';

const FIRES = '/api/hooks/v1/fires';
const JSON_TYPE = { 'content-type': 'application/json' };
type Row = { readonly seq: number; readonly hookGroupId: string; readonly hookId: string; readonly cause: string };

const start = async (t: TestContext, isIdle = true) => {
  const world = await createWorld(t);
  let scopes: readonly string[] = ['*'];
  const server = await world.start({ isIdle, scopes: () => scopes });
  const ledger = createLedger(world.database);
  const search = async (query: Record<string, string> = {}) => {
    const { status, json } = await server.send(`${FIRES}?${new URLSearchParams(query)}`);
    assert.equal(status, 200, JSON.stringify(json));
    return json as { fires: Row[]; continuationToken?: string; lookedUntil?: string };
  };
  /** All pages, by cause. */
  const causes = async (query: Record<string, string> = {}, between = async () => {}) => {
    const found: string[] = [];
    for (let token: string | undefined; ; ) {
      const page = await search({ ...query, ...(token !== undefined && { continuationToken: token }) });
      found.push(...page.fires.map(({ cause }) => cause));
      token = page.continuationToken;
      if (token === undefined) return found;
      await between();
    }
  };
  return {
    ...{ world, server, ledger, search, causes },
    hold: (...held: readonly string[]) => {
      scopes = held;
    },
  };
};

const entry = (n: number, changes: Partial<LedgerEntry> = {}) =>
  fire(START + n, { cause: `c${n}`, requestId: `r${n}`, taskId: `task${n}`, hookUid: randomUUID(), ...changes });

describe('searchFires', () => {
  it('finds what fits each filter, newest first', async (t) => {
    const { ledger, causes } = await start(t);
    await ledger.write([
      entry(0),
      entry(1, { outcome: 'failed', error: { message: 'No "such" Thing\n100 %' }, hookId: 'other' } as never),
      entry(2, { outcome: 'declined', firedBy: 'pulseMessage', error: { message: 'nothing' } } as never),
      entry(3, { clientId: 'me', hookGroupId: 'another', hookId: 'a/b' }),
      entry(4, { kind: 'attempt', outcome: null, error: { message: 'x' } } as never),
      entry(5, { kind: 'binding', outcome: null, cause: null } as never),
    ]);
    const expected: readonly (readonly [Record<string, string>, readonly (string | undefined)[]])[] = [
      [{}, [undefined, 'c4', 'c3', 'c2', 'c1', 'c0']],
      [{ kind: 'fire' }, ['c3', 'c2', 'c1', 'c0']],
      [{ kind: 'binding,attempt' }, [undefined, 'c4']],
      [{ outcome: 'failed,declined' }, ['c2', 'c1']],
      [{ outcome: 'created' }, ['c3', 'c0']],
      [{ hook: 'group/other' }, ['c1']],
      [{ hook: 'another/*' }, ['c3']],
      [{ hook: '*/a/*' }, ['c3']],
      [{ hook: 'group' }, []],
      [{ firedBy: 'pulseMessage' }, ['c2']],
      [{ clientId: 'me' }, ['c3']],
      [{ taskId: 'task2' }, ['c2']],
      [{ cause: 'c1' }, ['c1']],
      [{ cause: 'c1', outcome: 'created' }, []],
      [{ requestId: 'r4' }, ['c4']],
      [{ text: 'no "SUCH" thing' }, ['c1']],
      [{ text: 'Thing\n100 %' }, ['c1']],
      [{ text: '100 _' }, []],
      [{ since: new Date(START + 2).toISOString(), until: new Date(START + 4).toISOString() }, ['c3', 'c2']],
      [{ until: new Date(START).toISOString() }, []],
    ];
    for (const [query, found] of expected) assert.deepEqual(await causes(query), found, JSON.stringify(query));
  });

  it('shows rows of those hooks alone whose fires the caller may list', async (t) => {
    const { ledger, causes, hold, server } = await start(t);
    await ledger.write([
      entry(0, { hookGroupId: 'a', hookId: 'x' }),
      entry(1, { hookGroupId: 'a', hookId: 'y%' }),
      entry(2, { hookGroupId: 'ab', hookId: 'x' }),
      entry(3, { hookGroupId: 'b', hookId: 'x' }),
    ]);
    const expected: readonly (readonly [string, readonly string[]])[] = [
      ['hooks:list-last-fires:a/x', ['c0']],
      ['hooks:list-last-fires:a/*', ['c1', 'c0']],
      ['hooks:list-last-fires:a/y%*', ['c1']],
      ['hooks:list-last-fires:a*', ['c2', 'c1', 'c0']],
      ['hooks:list-last-fires:_*', []],
      ['hooks:list-last-fires:*', ['c3', 'c2', 'c1', 'c0']],
      ['hooks:*', ['c3', 'c2', 'c1', 'c0']],
    ];
    for (const [scope, found] of expected) {
      hold(scope);
      assert.deepEqual(await causes(), found, scope);
      assert.deepEqual(await causes({ limit: '1' }), found, scope);
    }
    for (const one of ['hooks:list-last-fires:a/x', 'hooks:get:a:x', 'hooks:list-last-fires']) {
      hold(one);
      const { status, json } = await server.send(`${FIRES}?hook=b/x`);
      assert.deepEqual([status, json.code], [403, 'InsufficientScopes'], one);
      assert.match(json.message, /hooks:list-last-fires:b\/x/);
    }
    hold('hooks:list-last-fires');
    assert.equal((await server.send(FIRES)).status, 403);
  });

  it('takes as many scopes as somebody has, and patterns up to a hundred', async (t) => {
    const { ledger, causes, hold, server } = await start(t);
    await ledger.write([entry(0, { hookGroupId: 'g7', hookId: 'x' }), entry(1, { hookGroupId: 'h', hookId: 'x' })]);
    const scopes = (count: number, ending: string) =>
      Array.from({ length: count }, (_, n) => `hooks:list-last-fires:g${n}/${ending}`);
    hold(...scopes(2_000, 'x'));
    assert.deepEqual(await causes(), ['c0']);
    hold(...scopes(100, '*'));
    assert.deepEqual(await causes(), ['c0']);
    hold(...scopes(101, '*'));
    const { status, json } = await server.send(FIRES);
    assert.equal(status, 400);
    assert.match(json.message, /^Your scopes have more than 100 patterns.* Say which `hook`/);
    assert.deepEqual(await causes({ hook: 'g7/x' }), ['c0']);
  });

  it('does some searches at once, and asks others to come again', async (t) => {
    const { ledger, server } = await start(t);
    await ledger.write([entry(0)]);
    const answers = await Promise.all(Array.from({ length: 100 }, () => server.send(FIRES)));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(refused.length < 100 && answers.every(({ status }) => status === 200 || status === 429));
    for (const { json } of refused) assert.equal(json.code, 'TooManyRequests');
    assert.equal((await server.send(FIRES)).status, 200);
  });

  it('has pages that neither repeat nor lose a row while others are written', async (t) => {
    const { ledger, causes } = await start(t);
    await ledger.write(Array.from({ length: 60 }, (_, n) => entry(0, { cause: `c${n}`, hookId: n % 3 ? 'h' : 'i' })));
    let written = 0;
    const write = async () => {
      written += 1;
      await ledger.write([entry(1_000 + written, { hookId: 'i' }), entry(0, { cause: 'late' })]);
    };
    const all = (await causes({ limit: '7' }, write)).filter((cause) => cause !== 'late');
    assert.deepEqual(new Set(all), new Set(Array.from({ length: 60 }, (_, n) => `c${n}`)));
    assert.equal(all.length, 60);
    assert.ok(written > 5);
    const few = await causes({ limit: '7', hook: '*/i', until: new Date(START + 1).toISOString() }, write);
    assert.deepEqual(new Set(few.filter((cause) => cause !== 'late')).size, 20);
  });

  it('finds the rows of a hook, also of one that was removed and made again', async (t) => {
    const { server, causes, search } = await start(t, false);
    for (const times of [1, 2]) {
      await server.hooks.createHook('g', 'h', definition());
      await server.hooks.triggerHook('g', 'h', {});
      await eventually('its row', async () => (await search({ hook: 'g/h' })).fires.length > 0);
      assert.equal(new Set(await causes({ hook: 'g/h' })).size, times);
      await server.hooks.removeHook('g', 'h');
      assert.equal(new Set(await causes({ hook: 'g/h' })).size, times);
    }
  });

  it('tells of a long reason its beginning, and nothing of a payload', async (t) => {
    const { ledger, search, hold, server } = await start(t);
    const long = { message: 'why '.repeat(30_000) };
    await ledger.write([
      entry(0, { outcome: 'rejected', error: long, detail: { exchange: 'e', message: 'secret' } } as never),
      entry(1, { outcome: 'failed', error: { message: 'short', statusCode: 400 } } as never),
      entry(2, { outcome: 'rejected', detail: { count: 9, sample: { exchange: 'e', message: 'secret' } } } as never),
    ]);
    type Found = { readonly seq: number; readonly reason: string; readonly detail: object };
    const [counted, short, cut] = (await search()).fires as unknown as [Found, Found, Found];
    assert.deepEqual(counted.detail, { count: 9, sample: { exchange: 'e' } });
    hold('hooks:list-last-fires:*');
    assert.deepEqual((await server.send(`${FIRES}/${counted.seq}`)).json.detail, counted.detail);
    assert.equal(short.reason, 'short');
    assert.match(cut.reason, /^(why ){200,}.*… \(cut: /);
    assert.ok(cut.reason.length < 1_100);
    assert.deepEqual(cut.detail, { exchange: 'e' });
  });

  it('refuses what it cannot look for, and says why', async (t) => {
    const { server } = await start(t);
    const wrong = [
      ...['outcome=lost', 'outcome=created,', 'kind=run', 'limit=0', 'hook=a%00', 'taskId=a.b', 'since=yesterday'],
      ...['since=2026-13-01T00:00:00Z', 'continuationToken=x', 'text=', 'nothing=1', 'clientId=%C3%A9', 'firedBy=a-b'],
      ...[`text=${'x'.repeat(201)}`, 'since=0000-01-01T00:00:00Z', 'until=1969-12-31T23:59:59Z'],
    ];
    for (const query of wrong) {
      const { status, json } = await server.send(`${FIRES}?${query}`);
      assert.ok(status === 400 && typeof json.message === 'string' && json.message.length < 4_000, query);
    }
    assert.equal((await server.send(`${FIRES}?limit=9999&text=%25%5C_%00'`)).status, 200);
  });
});

describe('fire', () => {
  it('explains each outcome by the verdict of each step', async (t) => {
    const { world, server, search, hold } = await start(t, false);
    const triggerSchema = { type: 'object', properties: { n: { type: 'number' } } };
    const task = {
      $if: 'firedBy == "schedule" || payload.n == 0',
      then: null,
      else: { payload: { $eval: 'payload.n' }, name: { $if: 'payload.n == 13', then: { $eval: 'oops' } } },
    };
    await server.hooks.createHook('g', 'h', definition({ triggerSchema, task, ...bindingTo('e') }));
    const explained = async (by: object) => {
      const [row] = (await eventually('its row', async () => {
        const { fires } = await search(by as Record<string, string>);
        return fires.length > 0 && fires;
      })) as Row[];
      return (await server.send(`${FIRES}/${row?.seq}`)).json;
    };
    const verdicts = ({ steps }: { steps: { step: string; verdict: string }[] }) => steps.map(({ verdict }) => verdict);

    const { status } = await server.hooks.triggerHook('g', 'h', { n: 1 });
    const created = await explained({ taskId: status.taskId });
    const { seq, arrived, ended, requestId, ...rest } = created;
    assert.deepEqual(rest, {
      ...{ kind: 'fire', outcome: 'created', hookGroupId: 'g', hookId: 'h', revision: 1 },
      ...{ cause: status.taskId, firedBy: 'triggerHook', taskId: status.taskId, attempts: 1, clientId: 'tester' },
      hook: 'the same',
      steps: ['verified', 'matched', 'validated', 'rendered', 'authorized', 'created'].map((step) => ({
        step,
        verdict: step === 'matched' ? 'not needed' : 'passed',
      })),
      ...{ tries: [], replayedInto: [], payloadIs: 'shown' },
      payload: {
        value: { n: 1 },
        context: { firedBy: 'triggerHook', taskId: status.taskId, now: arrived, clientId: 'tester' },
        ...{ bytes: 7, isWhole: true, isRedacted: false },
      },
    });

    hold('hooks:list-last-fires:g/h', 'hooks:get-payload:g/other');
    const { payload, payloadIs } = (await server.send(`${FIRES}/${seq}`)).json;
    assert.deepEqual([payload, payloadIs], [undefined, 'not yours to read']);
    hold('hooks:list-last-fires:g/other');
    assert.equal((await server.send(`${FIRES}/${seq}`)).status, 404);
    hold('hooks:get-payload:*');
    assert.equal((await server.send(`${FIRES}/${seq}`)).status, 403);
    hold('*');
    assert.equal((await server.send(`${FIRES}/${Number.MAX_SAFE_INTEGER - 1}`)).status, 400);
    assert.equal((await server.send(`${FIRES}/999999999999999`)).status, 404);

    await assert.rejects(server.hooks.triggerHook('g', 'h', { n: 'x' }));
    const rejected = await explained({ outcome: 'rejected' });
    assert.deepEqual(verdicts(rejected), ['passed', 'not needed', 'failed', ...Array(3).fill('not reached')]);
    assert.match(rejected.steps[2].reason, /number/);
    await server.hooks.triggerHook('g', 'h', { n: 0 });
    assert.deepEqual(verdicts(await explained({ outcome: 'declined' })).slice(2, 5), [
      'passed',
      'declined',
      'not reached',
    ]);
    await assert.rejects(server.hooks.triggerHook('g', 'h', { n: 13 }));
    assert.deepEqual(verdicts(await explained({ outcome: 'failed' })).slice(2, 5), ['passed', 'failed', 'not reached']);

    const refuse = (code: string, statusCode: number) =>
      world.queue.behave({ kind: 'refused', statusCode, code, message: `said ${code}` } as never);
    for (const [code, steps] of [
      ['InsufficientScopes', ['passed', 'failed', 'not reached']],
      ['InputError', ['passed', 'not known', 'failed']],
    ] as const) {
      refuse(code, code === 'InputError' ? 400 : 403);
      await assert.rejects(server.hooks.triggerHook('g', 'h', { n: 2 }));
      const refused = await explained({ text: `said ${code}` });
      assert.deepEqual(verdicts(refused).slice(3), steps, code);
      assert.equal(refused.error.code, code);
    }
    await server.hooks.updateHook('g', 'h', definition({ triggerSchema, task, bindings: [] }));
    assert.equal((await explained({ taskId: status.taskId })).hook, 'changed');
    await server.hooks.removeHook('g', 'h');
    assert.equal((await explained({ taskId: status.taskId })).hook, 'removed');
  });

  it('lists attempts, and the fires that repeat it', async (t) => {
    const { ledger, server, search } = await start(t);
    const uid = randomUUID();
    const one = { hookUid: uid, cause: 'one' };
    await ledger.write([
      entry(0, { ...one, kind: 'attempt', outcome: null, error: { message: 'queue away' } } as never),
      entry(1, { ...one, outcome: 'exhausted', attempts: 1, error: { message: 'over' } } as never),
      entry(2, { cause: 'one', kind: 'attempt', outcome: null } as never), // of another hook
    ]);
    const [original] = (await search({ outcome: 'exhausted' })).fires as [Row];
    await ledger.write([
      entry(3, { hookUid: uid, cause: `replay:${original.seq}:1` }),
      entry(4, { hookUid: uid, cause: `replay:${original.seq}0:1` }),
    ]);
    const { json } = await server.send(`${FIRES}/${original.seq}`);
    assert.deepEqual(
      json.tries.map(({ reason }: { reason: string }) => reason),
      ['queue away'],
    );
    assert.deepEqual(json.steps.at(-1), { step: 'created', verdict: 'failed', reason: 'over' });
    assert.equal(json.payloadIs, 'not kept');
    const [replay] = (await search({ cause: `replay:${original.seq}:1` })).fires as [Row];
    assert.deepEqual(json.replayedInto, [{ seq: replay.seq, outcome: 'created', taskId: 'task3' }]);
    assert.equal((await server.send(`${FIRES}/${replay.seq}`)).json.replayedFrom, original.seq);
  });

  it('is none for a run of another kind of hook, or a number that no row has', async (t) => {
    const { ledger, world, server } = await start(t);
    await ledger.write([entry(0, { kind: 'run', outcome: 'allowed' } as never)]);
    const [{ seq }] = (await world.rows('select seq from ledger')) as [Row];
    assert.equal((await server.send(`${FIRES}/${seq}`)).status, 404);
    assert.equal((await server.send(`${FIRES}/0`)).status, 400);
    assert.equal((await server.send(`${FIRES}/${newSlugId()}`, { headers: JSON_TYPE })).status, 400);
  });
});
