// hookwright hooks, tasks and messages, against a server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FireRecord, HookDefinition } from '../../client/index.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { cleanEnvironment, GREETING, GREETING_SCOPES, LAUNCHER, newWorld, type World } from './command-world.ts';

let world: World;
const undo = new AsyncDisposableStack();
before(async () => {
  world = await newWorld(lastFirst({ after: (step) => undo.defer(step) }));
  await world.succeed(['roles', 'grant', 'hook-id:test/*', ...GREETING_SCOPES]);
});
after(() => undo.disposeAsync());

const file = async (name: string, content: string | object): Promise<string> => {
  await writeFile(join(world.folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
};

/** A hook of its own for a test. */
const newHook = async (id: string, more: object = {}): Promise<string> => {
  await world.succeed(['hooks', 'create', `test/${id}`, '-'], { input: JSON.stringify({ ...GREETING, ...more }) });
  return `test/${id}`;
};

describe('definitions', () => {
  it('come from files and from standard input, in JSON and in YAML, and all are the same', async () => {
    const yaml = `metadata: {name: Greet, description: Greets., owner: you@example.com}
triggerSchema:
  type: object
  properties: &p {who: {type: string}}
  required: [who]
task:
  taskQueueId: test/worker
  payload: {greeting: "Hello, \${payload.who}!"}
  metadata: {name: greet, description: "", owner: you@example.com, source: "https://example.com/"}
`;
    await newHook('from-stdin');
    await world.succeed(['hooks', 'create', 'test/from-json', await file('hook.json', GREETING)]);
    await world.succeed(['hooks', 'create', 'test/from-yaml', await file('hook.yaml', yaml)]);
    const hooks = await world.json<HookDefinition[]>(['hooks', 'list', 'test']);
    const of = (id: string) => ({ ...hooks.find(({ hookId }) => hookId === id), hookId: '' });
    assert.deepEqual(of('from-json'), of('from-stdin'));
    assert.deepEqual(of('from-yaml'), of('from-stdin'));
  });

  it('are shown as what can be given back', async () => {
    const odd = {
      ...GREETING.task,
      payload: { '<<': 'no merge', yes: 'no', at: '2026-01-01', n: '1e3', esc: '\x1b\x9b[2J', ['__proto__']: null },
    };
    const name = await newHook('odd', { task: odd, schedule: ['0 0 0 * * *'] });
    const shown = await world.succeed(['hooks', 'show', name]);
    assert.doesNotMatch(shown, /[\x1b\x9b]/);
    const before = await world.json(['hooks', 'show', name]);
    assert.match(
      await world.succeed(['hooks', 'update', name, '-'], { input: shown }),
      /^The hook test\/odd was like this already\. It is next due at /,
    );
    assert.deepEqual(await world.json(['hooks', 'show', name]), before);
    assert.deepEqual((before as HookDefinition).task, odd);
  });

  it('that are wrong are refused with the place where they are', async () => {
    const cases: [string, string, RegExp, number][] = [
      ['a: 1\nb: [', 'broken.yaml', /^hookwright: broken\.yaml:2:\d+ cannot be used: .* \[HW_BAD_FILE\]\n/, 1],
      ['{"a": 1, "a": 2}', 'twice.json', /^hookwright: twice\.json:1:10 cannot be used: Map keys must be unique/, 1],
      ['task: {a: .nan}', 'nan.yaml', /^hookwright: nan\.yaml cannot be used: task\.a is no value that JSON has/, 1],
      ['- 1', 'list.yaml', /it holds no object/, 1],
      ['', 'empty.yaml', /it holds nothing/, 1],
      ['a: !!js/function "x"', 'tag.yaml', /^hookwright: tag\.yaml:1:4 cannot be used: Unresolved tag/, 1],
      [`a: &a [x]\n${'b: [*a]\n'.replace('b', 'c')}d: *none`, 'alias.yaml', /alias\.yaml.* cannot be used: .*none/, 1],
      [
        JSON.stringify({ ...GREETING, more: 1 }),
        'more.json',
        /^hookwright: .*more.* \[InputValidationError\]\n {2}where: hook test\/x, at http/s,
        1,
      ],
      [JSON.stringify({ ...GREETING, schedule: ['never'] }), 'never.json', /^hookwright: .*never/, 1],
    ];
    const check = async ([text, name, message, status]: (typeof cases)[number]) => {
      const result = await world.run(['hooks', 'create', 'test/x', await file(name, text)]);
      assert.match(result.err, message, name);
      assert.deepEqual([result.status, result.out], [status, ''], name);
      assert.doesNotMatch(result.err, /\n---|errorCode:|\n\s+at /, name);
    };
    await Promise.all(cases.map(check));
    assert.match(
      (await world.run(['hooks', 'create', 'test/x', 'none.yaml'])).err,
      /none\.yaml cannot be used: there is no such file/,
    );
  });

  it('that would not do what they seem to be meant for are warned of', async () => {
    const bindings = [{ exchange: 'exchange/x/v1/y', routingKeyPattern: '#' }];
    const { triggerSchema: _, ...rest } = GREETING;
    const { status, out, err } = await world.run(['hooks', 'create', 'test/deaf', '-'], {
      input: JSON.stringify({ ...rest, bindings }),
    });
    assert.deepEqual([status, out], [0, 'Made the hook test/deaf.\n']);
    assert.match(err, /^Warning: The trigger schema admits no properties/);
    const { warnings } = await world.json<{ warnings: string[] }>(['hooks', 'update', 'test/deaf', '-'], {
      input: JSON.stringify({ ...rest, bindings }),
    });
    assert.equal(warnings.length, 1);
  });

  it('are made again without complaint when they are equal, and not replaced by create when they are not', async () => {
    const name = await newHook('again');
    const again = ['hooks', 'create', name, '-'];
    const same = { input: JSON.stringify(GREETING) };
    assert.equal(await world.succeed(again, same), 'The hook test/again was there already, unchanged.\n');
    const update = ['hooks', 'update', name, '-'];
    assert.equal(await world.succeed(update, same), 'The hook test/again was like this already.\n');
    const other = { ...GREETING, metadata: { ...GREETING.metadata, name: 'Other' } };
    const { status, err } = await world.run(['hooks', 'create', name, '-'], { input: JSON.stringify(other) });
    assert.equal(status, 1);
    assert.match(
      err,
      /\[RequestConflict\]\n {2}where: .*\n {2}cure: {2}to replace the definition: hookwright hooks update\n/,
    );
    await world.succeed(['hooks', 'update', name, '-'], { input: JSON.stringify(other) });
    assert.match(await world.succeed(['hooks', 'list', 'test']), /test\/again .* Other\n/);
    assert.equal(await world.succeed(['hooks', 'remove', name]), 'Removed the hook test/again.\n');
    assert.equal((await world.run(['hooks', 'show', name])).status, 3);
    assert.equal(await world.succeed(['hooks', 'remove', name]), 'There was no hook test/again.\n');
  });
});

describe('a trigger', () => {
  it('takes its payload from an option, a file or standard input', async () => {
    const name = await newHook('trigger');
    await file('who.yaml', 'who: file');
    const fire = (args: string[], input?: string) =>
      world.json<{ taskId: string }>(['hooks', 'trigger', name, ...args], input === undefined ? {} : { input });
    const ids = [
      await fire(['--payload', '{"who": "option"}']),
      await fire(['who.yaml']),
      await fire(['-'], '{"who": "stdin"}'),
    ];
    const greetings = await Promise.all(
      ids.map(
        async ({ taskId }) =>
          (await world.json<{ payload: { greeting: string } }>(['tasks', 'show', taskId])).payload.greeting,
      ),
    );
    assert.deepEqual(greetings, ['Hello, option!', 'Hello, file!', 'Hello, stdin!']);
    for (const [args, problem] of [
      [['--payload', '{'], /--payload is not JSON/],
      [['--payload', '[]'], /--payload is no object/],
      [['who.yaml', '--payload', '{}'], /both given/],
    ] as const) {
      const { status, err } = await world.run(['hooks', 'trigger', name, ...args]);
      assert.equal(status, 2);
      assert.match(err, problem);
    }
  });

  it('that makes no task says why, and so do the fires', async () => {
    const name = await newHook('reasons', { task: { $if: 'payload.who == "nobody"', else: GREETING.task } });
    assert.match(await world.succeed(['hooks', 'trigger', name, '--payload', '{"who": "nobody"}']), /no task was made/);
    const wrong = await world.run(['hooks', 'trigger', name]);
    assert.equal(wrong.status, 1);
    assert.match(wrong.err, /^hookwright: data must have required property 'who'\. \[InputError\]\n/);
    await world.succeed(['hooks', 'trigger', name, '--payload', '{"who": "x"}']);
    const fires = await world.json<FireRecord[]>(['hooks', 'fires', name]);
    assert.deepEqual(
      fires.map(({ outcome }) => outcome),
      ['created', 'rejected', 'declined'],
    );
    const table = await world.succeed(['hooks', 'fires', name, '--limit', '2']);
    assert.match(
      table,
      /^ENDED .* REASON\n\S+Z {2}created .*\n\S+Z {2}rejected .* - +data must have required property 'who'\n$/,
    );
    assert.match(await world.succeed(['hooks', 'status', name]), /^hook +test\/reasons\nlast fire +success, /);
  });

  it('--wait waits until the task is resolved, and ends with 1 unless it completed', async () => {
    const name = await newHook('wait');
    const waiting = world.start(['hooks', 'trigger', name, '--payload', '{"who": "x"}', '--wait']);
    const [, taskId = ''] = await eventually(
      'the task is made',
      () => /Made the task (\S+)\. Waiting/.exec(waiting.err()) ?? undefined,
    );
    assert.match(await world.succeed(['tasks', 'cancel', taskId]), new RegExp(`^Canceled the task ${taskId}\\.\n$`));
    const { status, out } = await waiting.end;
    assert.deepEqual([status, out], [1, `The task ${taskId} is exception.\n`]);
    assert.match(await world.succeed(['tasks', 'status', taskId]), /state +exception\n[\s\S]*canceled/);
    assert.match(await world.succeed(['tasks', 'cancel', taskId]), /was exception already|Canceled/);
    assert.match(await world.succeed(['tasks', 'list', taskId]), new RegExp(`\n${taskId} +exception +test/worker `));
    assert.equal((await world.json<unknown[]>(['tasks', 'list', taskId, '--limit', '1'])).length, 1);
  });
});

describe('a trigger token', () => {
  it('is printed alone, or as the URL, and is another after a reset', async () => {
    const name = await newHook('token');
    const token = (await world.succeed(['hooks', 'token', name])).trim();
    assert.match(token, /^[\w-]{22,}$/);
    const url = (await world.succeed(['hooks', 'token', name, '--url'])).trim();
    assert.equal(url, `${world.server.url}/api/hooks/v1/hooks/test/token/trigger/${token}`);
    const post = (to: string) =>
      fetch(to, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"who": "web"}' });
    assert.equal((await post(url)).status, 200);
    const other = (await world.succeed(['hooks', 'token', name, '--reset'])).trim();
    assert.notEqual(other, token);
    assert.equal((await post(url)).status, 401);
  });
});

describe('messages', () => {
  it('fire the hooks that are bound to them', async () => {
    const bindings = [{ exchange: 'exchange/test/v1/done', routingKeyPattern: 'a.*' }];
    const name = await newHook('bound', { bindings });
    await world.succeed([
      'messages',
      'publish',
      'exchange/test/v1/done',
      '--routing-key',
      'a.b',
      '--payload',
      '{"who": "m"}',
    ]);
    await world.succeed(['messages', 'publish', 'exchange/test/v1/done', '--payload', '{"who": "without a key"}']);
    await eventually(
      'it fired',
      async () => (await world.json<FireRecord[]>(['hooks', 'fires', name]))[0]?.outcome === 'created',
    );
    const { status, err } = await world.run(['messages', 'publish', 'exchange/taskcluster-hooks/v1/hook-created']);
    assert.equal(status !== 0, true, err);
  });
});

describe('hooks fires --follow', () => {
  it('shows what comes, oldest first, goes on over a restart of the server, and ends with 0 on Ctrl-C', async () => {
    const name = await newHook('followed');
    const trigger = (who: string) =>
      world.json<{ taskId: string }>(['hooks', 'trigger', name, '--payload', JSON.stringify({ who })]);
    const one = await trigger('one');
    const following = world.start(['hooks', 'fires', name, '--follow', '--json']);
    const seen = (): string[] =>
      following
        .out()
        .split('\n')
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as FireRecord).taskId ?? '');
    await eventually('the first is shown', () => seen().length === 1);
    const two = await trigger('two');
    await eventually('the second is shown', () => seen().length === 2);
    // The same server, on another port.
    await world.server.end('SIGTERM');
    await eventually('it says that it waits', () => following.err().includes('waiting for it'));
    const { startServerProcess } = await import('../support/server-process.ts');
    await startServerProcess(
      { after: (step) => void undo.defer(() => Promise.resolve(step())) },
      { cwd: world.folder },
    );
    const three = await trigger('three');
    await eventually('the third is shown', () => seen().length === 3);
    // Twice, as from a terminal: once to all of its programs, and once more from the launcher.
    following.process.kill('SIGINT');
    following.process.kill('SIGINT');
    const { status, err } = await following.end;
    assert.deepEqual(seen(), [one.taskId, two.taskId, three.taskId]);
    assert.equal(status, 0, err);
    assert.match(err, /The server is there again\.\n$/);
  });

  it('ends when the server refuses', async () => {
    const { status } = await world.run(['hooks', 'fires', 'test/none', '--follow']);
    assert.equal(status, 3);
  });
});

describe('hooks edit', () => {
  const editor = async (name: string, script: string): Promise<NodeJS.ProcessEnv> => ({
    EDITOR: `sh ${await file(name, script)}`,
  });
  const kept = async (): Promise<string[]> =>
    (await readdir(world.folder)).filter((name) => name.startsWith('hookwright-edit-'));
  const edit = async (name: string, env: NodeJS.ProcessEnv) =>
    world.run(['hooks', 'edit', name], { env: { ...env, TMPDIR: world.folder } });

  it('saves what the editor left, and nothing when that is what it was', async () => {
    const name = await newHook('edited');
    const changed = await edit(name, await editor('change.sh', 'sed -i s/Greets/Waves/ "$1"'));
    assert.deepEqual([changed.status, changed.out], [0, 'Updated the hook test/edited.\n'], changed.err);
    assert.equal((await world.json<HookDefinition>(['hooks', 'show', name])).metadata.description, 'Waves.');
    assert.match((await edit(name, { VISUAL: 'true', EDITOR: 'false' })).out, /^Nothing has changed/);
    assert.deepEqual(await kept(), []);
  });

  it('without a terminal names what does not need one, whatever editor would wait for keys', async () => {
    for (const env of [{}, { EDITOR: 'vim' }, { VISUAL: '/usr/bin/nano -w' }]) {
      const { status, err } = await edit('test/edited', env);
      assert.equal(status, 1);
      assert.match(err, /needs a terminal, and there is none here\. .*hookwright hooks update .* \[HW_NO_TERMINAL\]\n/);
    }
  });

  it('keeps the file when it is refused, and says where it is', async () => {
    const name = await newHook('refused');
    for (const script of ['echo "more: 1" >> "$1"', 'echo "][" >> "$1"', 'echo "# mine" >> "$1"; exit 1']) {
      const { status, err } = await edit(name, await editor('refuse.sh', script));
      assert.equal(status, 1, script);
      const [, path = ''] =
        /^ {2}cure: {2}what you wrote is in (\S+); to try it again: hookwright hooks update/m.exec(err) ?? [];
      assert.match(await readFile(path, 'utf8'), /more: 1|\]\[|# mine/);
    }
    assert.equal((await kept()).length, 3);
    const { status, err } = await edit(name, { EDITOR: 'no-such-editor' });
    assert.equal(status, 1);
    assert.match(err, /^hookwright: The editor "no-such-editor" failed: status 127/m);
    assert.equal((await kept()).length, 3, 'what was not written is not kept');
  });

  it('on a terminal can be opened again, with what was written, when it was refused', async (t) => {
    if (process.platform !== 'linux') return t.skip('script(1) has other options here');
    const name = await newHook('reopened');
    const script =
      'if grep -q "more: 1" "$1"; then sed -i "/more: 1/d; s/Greets/Waves/" "$1"; else echo "more: 1" >> "$1"; fi';
    const command = `'${process.execPath}' '${LAUNCHER}' hooks edit ${name}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: world.folder,
      env: { ...cleanEnvironment(world.folder), ...(await editor('reopen.sh', script)) },
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await eventually('it asks', () => said.includes('Open the editor again? [Y/n] '));
    assert.match(said, /data must NOT have additional properties: "more"/);
    child.stdin.write('\r');
    await eventually('it is saved', () => said.includes('Updated the hook'));
    child.stdin.end();
    assert.equal((await world.json<HookDefinition>(['hooks', 'show', name])).metadata.description, 'Waves.');
  });

  it('does not overwrite what somebody else has changed meanwhile', async () => {
    const name = await newHook('contested');
    await file('other.json', { ...GREETING, metadata: { ...GREETING.metadata, name: 'Theirs' } });
    const script = `'${process.execPath}' '${LAUNCHER}' hooks update ${name} other.json && sed -i s/Greets/Mine/ "$1"`;
    const { status, err } = await edit(name, await editor('contest.sh', script));
    assert.equal(status, 1);
    assert.match(err, /\[HW_EDIT_CONFLICT\]\n {2}cure: {2}what you wrote is in /);
    assert.equal((await world.json<HookDefinition>(['hooks', 'show', name])).metadata.name, 'Theirs');
  });
});
