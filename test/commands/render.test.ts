// hookwright hooks render and why-not, against a server.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { RenderLastResponse, RenderResponse, WhyNotResponse } from '../../client/index.ts';
import { lastFirst } from '../support/wait.ts';
import { GREETING, GREETING_SCOPES, newQuickWorld, type World } from './command-world.ts';

let world: World;
const undo = new AsyncDisposableStack();
const HOOK = 'test/hook';
const BOUND = { bindings: [{ exchange: 'exchange/test/v1/x', routingKeyPattern: 'a.*' }] };
before(async () => {
  world = await newQuickWorld(lastFirst({ after: (step) => undo.defer(step) }));
  await world.succeed(['roles', 'grant', `hook-id:${HOOK}`, ...GREETING_SCOPES]);
  const definition = { ...GREETING, ...BOUND, schedule: ['0 0 12 * * *'] };
  await world.succeed(['hooks', 'create', HOOK, '-'], { input: JSON.stringify(definition) });
});
after(() => undo.disposeAsync());

const file = async (name: string, content: object): Promise<string> => {
  await writeFile(join(world.folder, name), JSON.stringify(content));
  return name;
};
const fires = async () => (await world.json<unknown[]>(['hooks', 'fires', HOOK])).length;

describe('hooks render', () => {
  it('shows the task that would be made, and makes none', async () => {
    const before = await fires();
    const said = await world.succeed(['hooks', 'render', HOOK, '--payload', '{"who": "you"}']);
    assert.match(said, /^outcome +created\ntask +\S{22}\nschema +the payload fits\nqueue +would take the task\n\n/);
    assert.match(said, /^ {2}greeting: Hello, you!$/m);
    const payload = await file('payload.json', { who: 'file' });
    const answer = await world.json<RenderResponse>(['hooks', 'render', HOOK, payload]);
    assert.deepEqual((answer.task as { payload: object }).payload, { greeting: 'Hello, file!' });
    assert.equal(await fires(), before);
  });

  it('says what does not fit, and where, and ends with 1', async () => {
    const { status, out } = await world.run(['hooks', 'render', HOOK, '--payload', '{"who": 7}']);
    assert.equal(status, 1);
    assert.match(out, /^outcome +rejected\nschema +data\/who must be string \(at \/who\)\n$/);
  });

  it('says what the role lacks, and where a template does not render', async () => {
    const poor = await file('poor.json', GREETING);
    const lacking = await world.run(['hooks', 'render', poor, '--hook', 'test/poor', '--payload', '{"who": "x"}']);
    assert.equal(lacking.status, 1);
    assert.match(lacking.out, /^queue +would refuse the task\nmissing +\{"AllOf":\["queue:create-task:project:none"/m);
    assert.match(
      lacking.out,
      /^error +.* is missing the following scopes: \{ "AllOf": \[ "queue:create-task:project:none"/m,
    );
    const task = { ...GREETING.task, payload: { $eval: 'payload.nothing' } };
    const broken = await file('broken.json', { ...GREETING, task, hookGroupId: 'test', hookId: 'hook' });
    const { status, out } = await world.run(['hooks', 'render', broken, '--payload', '{"who": "x"}']);
    assert.equal(status, 1);
    assert.match(out, /^template +\w+ at template\.payload: /m);
  });

  it('tries the event of a fire, and a new definition on the last ones', async () => {
    await world.succeed(['hooks', 'trigger', HOOK, '--payload', '{"who": "kept"}']);
    const name = await file('new.json', { ...GREETING, task: { ...GREETING.task, payload: { to: '${payload.who}' } } });
    const last = ['hooks', 'render', name, '--hook', HOOK, '--last', '5'];
    const [event] = (await world.json<RenderLastResponse>(last)).events;
    const again = ['hooks', 'render', HOOK, '--fire', String(event?.seq)];
    const { task } = await world.json<RenderResponse>(again);
    assert.deepEqual((task as { payload: object }).payload, { greeting: 'Hello, kept!' });
    const said = await world.succeed(last);
    assert.match(said, /^FIRE +ARRIVED +VERDICT +NOW +WOULD BE +REASON\n\d+ +\S+Z +changed +created +created/);
    assert.match(said, /\nThe task of \d+:\n- \/payload\/greeting: "Hello, kept!"\n\+ \/payload\/to: "kept"\n/);

    const strict = await file('strict.json', { ...GREETING, triggerSchema: { type: 'object', maxProperties: 0 } });
    const worse = await world.run(['hooks', 'render', strict, '--hook', HOOK, '--last', '1']);
    assert.equal(worse.status, 1);
    assert.match(worse.out, /\n\d+ +\S+Z +worse +created +rejected +data must NOT have more than 0 properties/);
  });

  it('tries a hook as if its time had come, at another time too', async () => {
    const args = ['hooks', 'render', HOOK, '--fired-by', 'schedule', '--now', '2030-01-31T12:00:00Z'];
    const { status, out } = await world.run([...args, '--json']);
    const answer = JSON.parse(out) as RenderResponse;
    assert.deepEqual([answer.firedBy, answer.now], ['schedule', '2030-01-31T12:00:00.000Z']);
    assert.equal(status, 1); // the greeting is for somebody, and a schedule has no payload
    assert.ok(answer.template);
  });

  it('called wrongly says how to call it', async () => {
    const unnamed = await file('unnamed.json', GREETING);
    const cases: readonly [readonly string[], RegExp][] = [
      [[unnamed, '--payload', '{}'], /does not say of which hook it is the definition\. Add --hook GROUP\/HOOK/],
      [[HOOK, '--payload', '{}', '--fire', '1'], /more than one of them is given/],
      [[HOOK, '--fire', 'newest'], /"newest" is not the number of a fire.*fires search/],
      [[HOOK, '--last', 'all'], /--last is "all"/],
      [[HOOK, '--now', 'soon'], /--now is "soon"/],
      [['hook'], /"hook" is not the name of a hook/],
      [['missing.yaml'], /missing\.yaml cannot be used/],
    ];
    for (const [args, message] of cases) {
      const { status, out, err } = await world.run(['hooks', 'render', ...args]);
      assert.match(err, message);
      assert.deepEqual([status !== 0, out], [true, ''], args.join(' '));
    }
    const { status, err } = await world.run(['hooks', 'render', HOOK, '--fire', '999999']);
    assert.deepEqual([status, /has no fire 999999/.test(err)], [3, true], err);
  });
});

describe('hooks why-not', () => {
  it('tells the step at which a message ends, or that it reaches the hook', async () => {
    const yes = await world.succeed(['hooks', 'why-not', HOOK, 'exchange/test/v1/x', 'a.b']);
    assert.match(yes, /^fires +yes\nreason +Such a message is evaluated.*\n\nSTEP +EVENT +WHAT\nbinding +passed/);
    const no = await world.succeed(['hooks', 'why-not', HOOK, 'exchange/test/v1/x', 'b.b']);
    assert.match(no, /^fires +no\nreason +The hook has no binding with this routing key/);
    assert.match(no, /\nnearest +exchange\/test\/v1\/x with "a\.\*"\n/);
    assert.match(no, /\nbinding +ended /);
  });

  it('tells whether the schedule fires at a time', async () => {
    const asked = ['hooks', 'why-not', HOOK, '--at', '2090-01-31T12:00:00Z'];
    assert.equal((await world.json<WhyNotResponse>(asked)).reaches, true);
    const other = await world.succeed(['hooks', 'why-not', HOOK, '--at', '2090-01-31T12:00:01Z']);
    assert.match(other, /no occurrence at this time.*\nnearest +2090-01-31T12:00:00\.000Z\nnearest +2090-02-01T12/s);
  });

  it('called wrongly says how to call it', async () => {
    for (const args of [
      [],
      ['exchange/test/v1/x'],
      ['exchange/test/v1/x', 'a', '--at', '2030-01-01'],
      ['--at', 'then'],
    ]) {
      const { status, err } = await world.run(['hooks', 'why-not', HOOK, ...args]);
      assert.equal(status, 2, err);
    }
  });
});
