import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { lastFirst } from '../../../test/support/wait.ts';
import { createWorld, HOST, LETS_PASS, type World } from '../test-support/library-world.ts';

const NEST = 'chat/~zod/lounge';
const OTHER = 'diary/~zod/notes';
const NO_META = { title: '', description: '', image: '', cover: '' };
const BROKEN = 'module.exports = (event) => {\n  return {';

let world: World;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await createWorld(lastFirst({ after: (step) => undo.defer(step) }));
});
after(() => undo.disposeAsync());

const add = async (name: string, src = LETS_PASS): Promise<string> => (await world.act({ add: { name, src } })).id;
const digits = (id: string): string =>
  String(
    [...id.slice(2).replaceAll('.', '')].reduce((sum, digit) => sum * 32n + BigInt(Number.parseInt(digit, 32)), 0n),
  );
const timersOf = (id: string) =>
  world.rows("select key, due from timers where kind = 'script-cron' and key like $1 order by key", [
    `${digits(id)}/%`,
  ]);

describe('adding a script hook', () => {
  it('answers what was stored, under an id of 128 bits', async () => {
    const { id, ...rest } = await world.act({ add: { name: 'greeter', src: LETS_PASS } });
    assert.match(id, /^0v[0-9a-v]{1,5}(\.[0-9a-v]{5})+$/);
    assert.deepEqual(rest, { name: 'greeter', src: LETS_PASS, meta: NO_META, error: null });
    const { hooks } = await world.library.dump();
    assert.deepEqual(hooks[id], {
      ...{ id, version: '', name: 'greeter', meta: NO_META, src: LETS_PASS },
      ...{ compiled: true, config: {} },
    });
  });

  it('stores a source that does not compile, with the place of the error, and it never runs', async () => {
    const { id, error } = await world.act({ add: { name: 'broken', src: BROKEN } });
    assert.match(error, /^SyntaxError: .+ \(line 2, column \d+\)$/);
    const hook = await world.library.hookOf(id);
    assert.deepEqual([hook?.src, hook?.error, hook?.running], [BROKEN, error, 'none']);
    assert.equal((await world.library.dump()).hooks[id]?.compiled, false);
  });

  it('takes the JavaScript out of a .hoon file, and keeps the file as it is', async () => {
    const hoon = `/+  hook-builder-js\n%-  hook-builder-js\n'''\n${LETS_PASS}\n'''\n`;
    const { error, src } = await world.act({ add: { name: 'hoon', src: hoon } });
    assert.deepEqual([error, src], [null, hoon]);
    assert.match((await world.act({ add: { name: 'plain hoon', src: '|=  a=@\n(add a 1)' } })).error, /This is Hoon/);
  });

  it('takes any text that JavaScript may hold', async () => {
    const src = `${LETS_PASS}\nconst text = "don't \\"quote\\" back\u2028 👍 \u0001 \${x}"`;
    const id = await add("it's \\ a 'name' 👍", src);
    const hook = await world.library.hookOf(id);
    assert.deepEqual([hook?.name, hook?.src, hook?.error], ["it's \\ a 'name' 👍", src, null]);
  });

  it('has bounds, and says which', async () => {
    const large = `//${'x'.repeat(1024 * 1024)}`;
    assert.match(await world.refusal({ add: { name: 'a', src: large } }), /The source is 1048578 bytes; 1048576 are/);
    assert.match(await world.refusal({ add: { name: 'a\nb', src: '' } }), /all in one line/);
    assert.match(await world.refusal({ add: { name: 'x'.repeat(201), src: '' } }), /at most 200 characters/);
    assert.match(await world.refusal({ add: { name: 'a', src: 'a\0' } }), /U\+0000/);
  });
});

describe('an action', () => {
  it('is refused from anybody but the host, and nothing has happened', async () => {
    const before = await world.library.dump();
    assert.match(await world.refusal({ add: { name: 'evil', src: LETS_PASS } }, '~nec'), /^Only ~zod/);
    assert.deepEqual(await world.library.dump(), before);
  });

  it('that cannot be is refused with the place where it is wrong', async () => {
    const wrong: readonly [unknown, RegExp][] = [
      [{ add: { name: 'a' } }, /\/add\/src: is missing/],
      [{ add: { name: 5, src: '' } }, /\/add\/name: must be a text/],
      [{ ad: {} }, /its root: must have one of the keys add, edit/],
      ['add', /its root/],
      [{ del: 'x' }, /\/del: must be an id/],
      [{ order: { nest: 'lounge', seq: [] } }, /\/order\/nest: must be a channel/],
      [{ config: { id: '0v1', nest: NEST, config: [] } }, /\/config\/config: must be an object/],
      [{ cron: { id: '0v1', schedule: '~h1' } }, /\/cron\/origin: is missing/],
    ];
    for (const [action, reason] of wrong) assert.match(await world.refusal(action), reason);
  });

  it('on a hook that is not there is refused by its name', async () => {
    const id = '0v5.fffff';
    const actions = [
      { edit: { id, name: 'x', src: null, meta: null } },
      { del: id },
      { config: { id, nest: NEST, config: {} } },
      { cron: { id, origin: null, schedule: '~h1', config: {} } },
      { rest: { id, origin: null } },
    ];
    for (const action of actions) assert.equal(await world.refusal(action), `There is no script hook ${id}`);
  });

  it('names hooks by 0v ids and by digits', async () => {
    const id = await add('named');
    await world.act({ edit: { id: digits(id), name: 'renamed', src: null, meta: null } });
    assert.equal((await world.library.hookOf(id))?.name, 'renamed');
    assert.equal((await world.library.hookOf(digits(id)))?.id, id);
    assert.deepEqual((await world.act({ order: { nest: NEST, seq: [digits(id)] } })).seq, [id]);
  });
});

describe('editing a script hook', () => {
  it('changes what is given, and leaves null as it is', async () => {
    const id = await add('first');
    const meta = { title: 'T', description: "don't", image: 'https://a/b.png', cover: '' };
    assert.deepEqual(await world.act({ edit: { id, name: null, src: null, meta } }), {
      ...{ id, name: 'first', src: LETS_PASS, meta, error: null },
    });
    const src = `${LETS_PASS}\n`;
    assert.deepEqual(await world.act({ edit: { id, name: 'second', src, meta: null } }), {
      ...{ id, name: 'second', src, meta, error: null },
    });
  });

  it('that does not compile stores the text alone, says so, and what ran goes on', async () => {
    const id = await add('steady');
    const answer = await world.act({ edit: { id, name: 'other', src: BROKEN, meta: null } });
    assert.deepEqual([answer.name, answer.src], ['steady', BROKEN]);
    assert.match(answer.error, /^SyntaxError: .*\. The source that compiled before goes on running$/);
    const hook = await world.library.hookOf(id);
    assert.deepEqual([hook?.name, hook?.src, hook?.running], ['steady', BROKEN, 'earlier']);
    const [row] = await world.rows('select running_src from script_hooks where id = $1', [digits(id)]);
    assert.equal(row.running_src, LETS_PASS);
    const again = await world.act({ edit: { id, name: 'other', src: null, meta: null } });
    assert.deepEqual([again.name, again.error], ['steady', answer.error]);
    assert.equal((await world.act({ edit: { id, name: null, src: LETS_PASS, meta: null } })).error, null);
  });

  it('raises its version when something else runs, and only then', async () => {
    const id = await add('versions');
    const versionNow = async () => (await world.library.hookOf(id))?.version ?? assert.fail();
    const first = await versionNow();
    const version = async () => (await versionNow()) - first + 1;
    const edit = (change: object) => world.act({ edit: { id, name: null, src: null, meta: null, ...change } });
    assert.equal(await version(), 1);
    await edit({ meta: { ...NO_META, title: 'T' } });
    await edit({ src: BROKEN });
    assert.equal(await version(), 1);
    await edit({ src: `${LETS_PASS}//` });
    assert.equal(await version(), 2);
    await edit({ name: 'new' });
    assert.equal(await version(), 3);
    await world.library.disable(id, 'for a while');
    await world.library.enable(id);
    await world.library.enable(id);
    await world.library.setOnError(id, 'deny');
    await world.library.setOnError(id, 'deny');
    assert.equal(await version(), 6);
  });

  it('keeps state, config, order and crons', async () => {
    const id = await add('keeper');
    await world.act({ order: { nest: OTHER, seq: [id] } });
    await world.act({ config: { id, nest: OTHER, config: { emoji: 'x' } } });
    await world.act({ cron: { id, origin: OTHER, schedule: '~h1', config: {} } });
    await world.rows("update script_states set state = '7' where hook = $1", [digits(id)]);
    await world.act({ edit: { id, name: 'kept', src: `${LETS_PASS}// 2`, meta: null } });
    const { channels, config, crons } = (await world.library.hookOf(id)) ?? assert.fail();
    assert.deepEqual([channels, config, Object.keys(crons)], [[OTHER], { [OTHER]: { emoji: 'x' } }, [OTHER]]);
    assert.equal((await world.rows('select state from script_states where hook = $1', [digits(id)]))[0].state, 7);
  });
});

describe('deleting a script hook', () => {
  it('takes along its crons and their timers, waits, order entries, configs and state, and nothing of others', async () => {
    const [gone, stays] = [await add('gone'), await add('stays')];
    const nest = 'chat/~zod/deleting';
    await world.act({ order: { nest, seq: [gone, stays, gone] } });
    for (const id of [gone, stays]) {
      await world.act({ config: { id, nest, config: { a: 1 } } });
      await world.act({ cron: { id, origin: null, schedule: '~h1', config: {} } });
      await world.rows("update script_states set state = '7' where hook = $1", [digits(id)]);
    }
    const wait = "insert into script_waits values ($1, 'w', '', $2, '{}', 0)";
    await world.rows(wait, [digits(gone), digits(stays)]);
    await world.rows(wait, [digits(stays), digits(gone)]);
    await world.rows("insert into script_waits values ($1, 'own', '', $1, '{}', 0)", [digits(stays)]);
    assert.equal(await world.act({ del: gone }), gone);
    const left = async (table: string) =>
      (await world.rows(`select hook::text from ${table} where hook in ($1, $2)`, [digits(gone), digits(stays)])).map(
        ({ hook }) => hook,
      );
    for (const table of ['script_configs', 'script_states', 'script_crons', 'script_waits', 'script_sources']) {
      assert.deepEqual(await left(table), [digits(stays)], table);
    }
    assert.deepEqual((await world.library.dump()).order[nest], [stays]);
    assert.deepEqual([await timersOf(gone), (await timersOf(stays)).length], [[], 1]);
    assert.equal(await world.library.hookOf(gone), undefined);
  });
});

describe('the order of a channel', () => {
  it('is replaced, without unknown hooks and with repeated ones', async () => {
    const [a, b] = [await add('a'), await add('b')];
    assert.deepEqual(await world.act({ order: { nest: NEST, seq: [b, '0v7', a, b] } }), { nest: NEST, seq: [b, a, b] });
    assert.deepEqual(await world.act({ order: { nest: NEST, seq: [] } }), { nest: NEST, seq: [] });
    assert.equal((await world.library.dump()).order[NEST], undefined);
    assert.match(await world.refusal({ order: { nest: NEST, seq: Array(101).fill(a) } }), /at most 100/);
  });
});

describe('a config', () => {
  it('is replaced whole, for one channel, and texts of the tlon command are read', async () => {
    const id = await add('configured');
    const other = { id, nest: OTHER, config: { kept: true } };
    await world.act({ config: other });
    await world.act({ config: { id, nest: NEST, config: { a: 1, b: [2] } } });
    const answer = await world.act({
      config: { id, nest: NEST, config: { emoji: '0wdbkT.JHau0', empty: null } },
    });
    assert.deepEqual(answer.config, { emoji: 'emoji', empty: null });
    assert.deepEqual((await world.library.dump()).hooks[id]?.config, { [NEST]: answer.config, [OTHER]: other.config });
    const large = { a: 'x'.repeat(70_000) };
    assert.match(await world.refusal({ config: { id, nest: NEST, config: large } }), /at most 65536 bytes/);
  });
});

describe('a cron', () => {
  it('of an interval is due at once, and says when', async () => {
    const id = await add('ticking');
    const now = world.clock.now();
    assert.deepEqual(await world.act({ cron: { id, origin: NEST, schedule: '~h1', config: { k: '0w3NM' } } }), {
      ...{ id, origin: NEST, config: { k: 'x' } },
      schedule: { next: '~2025.4.1..12.00.00', repeat: '~h1' },
    });
    assert.deepEqual(await timersOf(id), [{ key: `${digits(id)}/${NEST}`, due: now }]);
  });

  it('may have no channel, a first date, or cron patterns; one for each origin', async () => {
    const id = await add('more');
    const cron = (origin: string | null, schedule: unknown) =>
      world.act({ cron: { id, origin, schedule, config: {} } });
    assert.equal((await cron(null, '~m5')).origin, 'global');
    await cron(null, { next: '~2025.4.2', repeat: '~d1' });
    await cron(NEST, { cron: ['0 18 * * *'] });
    assert.deepEqual((await world.library.dump()).crons[id], {
      global: { hook: id, schedule: { next: '~2025.4.2', repeat: '~d1' }, config: {} },
      [NEST]: { hook: id, schedule: { next: '~2025.4.1..18.00.00', cron: ['0 18 * * *'] }, config: {} },
    });
    assert.deepEqual(
      (await timersOf(id)).map(({ due }) => due),
      [Date.UTC(2025, 3, 2), Date.UTC(2025, 3, 1, 18)],
    );
  });

  it('shorter than a second is refused', async () => {
    const id = await add('too fast');
    assert.match(await world.refusal({ cron: { id, origin: null, schedule: '~s0', config: {} } }), /too short/);
    assert.deepEqual(await timersOf(id), []);
  });

  it('rests, with its timer; one that is not there cannot', async () => {
    const id = await add('resting');
    await world.act({ cron: { id, origin: null, schedule: '~h1', config: {} } });
    assert.deepEqual(await world.act({ rest: { id, origin: null } }), { id, origin: 'global' });
    assert.deepEqual([await timersOf(id), (await world.library.dump()).crons[id]], [[], undefined]);
    assert.match(await world.refusal({ rest: { id, origin: null } }), /has no cron without a channel/);
    assert.match(await world.refusal({ rest: { id, origin: NEST } }), /has no cron at chat\/~zod\/lounge/);
  });
});

describe('a template', () => {
  const FROM = 'chat/~zod/from';
  const INTO = 'chat/~zod/into';
  const acting = () => ({ actor: HOST, now: world.clock.now() });
  const setUp = async (template: unknown) => {
    const result = await world.library.setUp(template, INTO, acting());
    return result.kind === 'done' ? result : assert.fail(result.reason);
  };

  it('has the hooks of a channel in their order, its settings and its crons, and not their states', async () => {
    const [a, b] = [await add('a'), await add('b')];
    await world.act({ order: { nest: FROM, seq: [b] } });
    await world.act({ config: { id: b, nest: FROM, config: { here: 1 } } });
    await world.act({ config: { id: b, nest: OTHER, config: { there: 1 } } });
    await world.act({ cron: { id: a, origin: FROM, schedule: '~h1', config: {} } });
    const template = await world.library.template(FROM);
    assert.deepEqual(Object.keys(template.hooks).sort(), [a, b].sort());
    assert.deepEqual([template.from, template.order], [FROM, [b]]);
    assert.deepEqual(template.hooks[b]?.config, { [FROM]: { here: 1 } });
    assert.deepEqual(
      template.crons.map(([id, { hook }]) => [id, hook]),
      [[a, a]],
    );
    assert.deepEqual(await world.library.preview(FROM), [
      { name: 'b', meta: NO_META },
      { name: 'a', meta: NO_META },
    ]);
    assert.deepEqual(await world.library.template('chat/~zod/none'), {
      ...{ from: 'chat/~zod/none', hooks: {}, order: [], crons: [] },
    });
  });

  it('set up on the same host adds, and wipes nothing that a hook has elsewhere', async () => {
    const template = await world.library.template(FROM);
    const [b = ''] = template.order;
    await world.rows("update script_states set state = '7' where hook = $1", [digits(b)]);
    const before = await world.library.dump();
    const { ids } = await setUp(template);
    assert.ok(Object.entries(ids).every(([there, here]) => there === here));
    const { hooks, order, crons } = await world.library.dump();
    assert.deepEqual(Object.keys(hooks), Object.keys(before.hooks));
    assert.deepEqual(order[INTO], [b]);
    assert.deepEqual(hooks[b]?.config, { ...before.hooks[b]?.config, [INTO]: { here: 1 } });
    const [[a = ''] = []] = template.crons;
    assert.deepEqual(Object.keys(crons[a] ?? {}).sort(), [FROM, INTO].sort());
    assert.equal((await world.rows('select state from script_states where hook = $1', [digits(b)]))[0].state, 7);
    const [, due] = (await timersOf(a)).map(({ due: at }) => at);
    assert.equal(due, world.clock.now() + 3_600_000, 'it goes on, and does not begin again');
  });

  it('with another source under a known id makes a new hook beside it; under an unknown id, one with that id', async () => {
    const mine = await add('mine');
    const theirs = (src: string) => ({ name: 'theirs', meta: NO_META, src, config: { [FROM]: { x: '0w3NM' } } });
    const template = {
      from: FROM,
      hooks: { [mine]: theirs('// theirs'), '0v123': theirs(BROKEN) },
      order: [mine, '0v123', mine, '0v9'],
      crons: [['0v123', { schedule: { next: '~2025.5.1', repeat: '~d1' } }]],
    };
    const { ids, responses } = await setUp(template);
    const copy = ids[mine] ?? '';
    assert.notEqual(copy, mine);
    assert.equal(ids['0v123'], '0v123');
    assert.deepEqual(
      responses.map((one) => Object.keys(one)[0]),
      ['set', 'config', 'set', 'config', 'order', 'cron'],
    );
    const { hooks, order } = await world.library.dump();
    assert.deepEqual([hooks[mine]?.src, hooks[copy]?.src, hooks['0v123']?.compiled], [LETS_PASS, '// theirs', false]);
    assert.deepEqual(order[INTO], [copy, '0v123', copy]);
    assert.deepEqual(hooks[copy]?.config, { [INTO]: { x: 'x' } });
  });

  it('that cannot be is refused whole', async () => {
    const before = await world.library.dump();
    const hook = { name: 'x', src: LETS_PASS };
    const refuse = async (template: object) => {
      const result = await world.library.setUp(
        { from: FROM, hooks: {}, order: [], crons: [], ...template },
        INTO,
        acting(),
      );
      return result.kind === 'refused' ? result.reason : assert.fail();
    };
    assert.match(await refuse({ hooks: { x: hook } }), /\/hooks\/x/);
    assert.match(await refuse({ hooks: { '0v1': { name: 'x' } } }), /\/hooks\/0v1\/src: is missing/);
    assert.match(await refuse({ hooks: { '0v1': hook }, crons: [['0v1', { schedule: '~s0' }]] }), /too short/);
    assert.match(await refuse({ crons: [5] }), /\/crons\/0/);
    assert.deepEqual(await world.library.dump(), before);
  });
});

describe('the library', () => {
  it('has room for 16 MiB; when it is full, hooks can be deleted and none added', async (t) => {
    const full = await createWorld(lastFirst(t));
    const { id } = await full.act({ add: { name: 'huge', src: LETS_PASS } });
    await full.rows("update script_hooks set src = repeat('x', 16 * 1024 * 1024)");
    assert.match(await full.refusal({ add: { name: 'more', src: LETS_PASS } }), /may have 16777216 bytes/);
    assert.deepEqual(Object.keys((await full.library.dump()).hooks), [id]);
    await full.act({ del: id });
    await full.act({ add: { name: 'more', src: LETS_PASS } });
  });

  it('changes one thing at a time, however many ask', async () => {
    const [id, nest] = [await add('busy'), 'chat/~zod/busy'];
    const version = async () => (await world.library.hookOf(id))?.version ?? assert.fail();
    const first = await version();
    const many = Array.from({ length: 12 }, (_, at) => at);
    await Promise.all(
      many.map((at) => world.act({ edit: { id, name: null, src: `${LETS_PASS}//${at}`, meta: null } })),
    );
    assert.equal(await version(), first + 12);
    const others = await Promise.all(many.map((at) => add(`busy ${at}`)));
    await Promise.all([
      ...others.map((other) => world.act({ order: { nest, seq: [other, id] } })),
      ...others.map((other) => world.act({ del: other })),
    ]);
    assert.deepEqual((await world.library.dump()).order[nest]?.at(-1), id);
    assert.ok((await world.library.dump()).order[nest]?.every((one) => !others.includes(one)));
  });
});

describe('the sources of a hook', () => {
  it('are kept for the runs that they made, the newest twenty', async () => {
    const id = await add('history');
    const first = (await world.library.hookOf(id))?.version ?? assert.fail();
    for (let edit = 1; edit <= 25; edit += 1) {
      await world.act({ edit: { id, name: null, src: `${LETS_PASS}//${edit}`, meta: null } });
    }
    const rows = await world.rows('select version, source from script_sources where hook = $1 order by version', [
      digits(id),
    ]);
    assert.deepEqual([rows.length, rows[0].version, rows.at(-1).source], [20, first + 6, `${LETS_PASS}//25`]);
  });
});

it('every example script compiles as it is', async () => {
  const folder = new URL('../../../examples/scripts/', import.meta.url);
  const { readdir } = await import('node:fs/promises');
  const names = (await readdir(folder)).filter((name) => /\.(js|hoon)$/.test(name));
  assert.ok(names.length >= 5);
  for (const name of names) {
    const { error } = await world.act({ add: { name, src: await readFile(new URL(name, folder), 'utf8') } });
    assert.equal(error, null, name);
  }
});
