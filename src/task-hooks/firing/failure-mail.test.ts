import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { statement } from '../../database/statement.ts';
import type { Mail } from '../../mail/mailer.ts';
import type { HookDefinition } from '../definition.ts';
import { FORBIDDEN, UNAVAILABLE } from '../test-support/fake-queue.ts';
import { createWorld, ME, NAME, type Server, scheduledHook } from '../test-support/world.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

const countFires = statement<{ count: number }>('test.count', 'select count(*)::int as count from fires');

/**
 * A hook that fires each minute through a queue that refuses its tasks, and what its owner is
 * mailed.
 */
const createFailing = async (t: TestContext, more: Partial<HookDefinition> = {}, schedule = '0 * * * * *') => {
  const world = await createWorld(t);
  const { clock, queue, database, handleDue } = world;
  queue.behave(() => FORBIDDEN);
  const mails: { key: string; mail: Mail }[] = [];
  const server = await world.startServer({
    enqueueMail: async (_tx, one) => {
      mails.push(one);
    },
  });
  await server.changes.create(scheduledHook([schedule], more), ME);
  const hook = (await server.hooks.find(NAME)) ?? assert.fail();
  const pass = async (ms: number) => {
    clock.jump(ms);
    await clock.advance(SECOND);
    await handleDue();
    await server.runner.whenIdle();
    while ((await database.query(countFires))[0]?.count !== 0) {
      await clock.advance(SECOND);
      await server.runner.whenIdle();
    }
  };
  return { ...world, server, hook, mails, pass, start: clock.now() };
};

/** The hook is changed while one of its fires is under way. */
const failAfter = async (t: TestContext, change: (server: Server) => Promise<unknown>) => {
  const world = await createFailing(t);
  const { queue, server, clock, mails, handleDue } = world;
  queue.behave(() => 'hang');
  clock.jump(MINUTE);
  await clock.advance(SECOND);
  await queue.asked.reached(1);
  await change(server);
  queue.asked.things[0]?.answer(FORBIDDEN);
  await server.runner.whenIdle();
  await handleDue();
  const entries = await world.entries(world.hook.uid);
  assert.deepEqual(entries.at(-1)?.outcome, 'failed');
  return mails;
};

describe('the owner of a hook', () => {
  it('is mailed when a scheduled fire fails; the mail says what the ledger says', async (t) => {
    const { pass, mails, hook, entries, start } = await createFailing(t);
    await pass(MINUTE);
    const [row] = await entries(hook.uid);
    assert.deepEqual(mails, [
      {
        key: `hook:${hook.uid}`,
        mail: {
          to: 'owner@example.com',
          subject: 'Hook g/h made no task (failed)',
          text: [
            'The hook g/h ("a hook") at https://hooks.example.com was to make a task, and the queue never said that there is one.',
            '',
            `  event:    its schedule, due at ${new Date(start + MINUTE).toISOString()}`,
            '  outcome:  failed: an error that trying again cannot mend',
            `  taskId:   ${row?.taskId}`,
            '  role:     hook-id:g/h',
            '',
            'The reason (InsufficientScopes):',
            '',
            '  the role of the hook has no scopes',
            '',
            'This event will not be tried again. Later failures of this hook within the hour are not mailed; its last fires have them all.',
            'To have no such mail, set "emailOnError" to false in the metadata of the hook.',
          ].join('\n'),
        },
      },
    ]);
  });

  it('is mailed once an hour at most', async (t) => {
    const { pass, mails, hook, entries } = await createFailing(t);
    for (let minute = 0; minute < 5; minute += 1) await pass(MINUTE);
    assert.equal(mails.length, 1);
    await pass(HOUR);
    assert.equal(mails.length, 2);
    const failed = (await entries(hook.uid)).filter(({ outcome }) => outcome === 'failed');
    assert.equal(failed.length, 6);
  });

  it('is mailed also after a clock that was far ahead', async (t) => {
    const { pass, mails, clock, server } = await createFailing(t);
    await pass(365 * 24 * HOUR);
    clock.jump(-365 * 24 * HOUR);
    await server.changes.update(NAME, (known) => known, ME);
    await pass(MINUTE);
    assert.equal(mails.length, 2);
  });

  it('is mailed when a template fails, with the place of the error', async (t) => {
    const { pass, mails } = await createFailing(t, { task: { a: { $eval: 'payload.x' } } });
    await pass(MINUTE);
    assert.match(
      mails[0]?.mail.text ?? '',
      /The reason:\n\n {2}InterpreterError at template\.a: unknown context value payload/,
    );
  });

  it('is mailed when a fire was tried until its deadline, and is told that a try may have made the task all the same', async (t) => {
    const task = { deadline: { $fromNow: '2 minutes' } };
    const { pass, mails, queue } = await createFailing(t, { task }, '0 0 * * * *');
    queue.behave(() => UNAVAILABLE);
    await pass(HOUR);
    const { subject, text } = mails[0]?.mail ?? assert.fail();
    assert.equal(subject, 'Hook g/h made no task (exhausted)');
    assert.match(text, /taskId: {3}\S{22} \(a try whose answer was lost may have made it all the same\)/);
    assert.match(text, /The task's deadline passed after \d+ attempts/);
  });

  for (const [what, more, behave] of [
    [
      'want no mail',
      { metadata: { name: '', description: '', owner: 'o@example.com', emailOnError: false } },
      FORBIDDEN,
    ],
    ['have a hook that declines', { task: { $if: 'false', then: {} } }, FORBIDDEN],
    ['have a hook that makes its tasks', {}, { kind: 'created' }],
  ] as const) {
    it(`is not mailed when they ${what}`, async (t) => {
      const { pass, mails, queue } = await createFailing(t, more);
      queue.behave(() => behave);
      await pass(MINUTE);
      assert.deepEqual(mails, []);
    });
  }

  it('is not mailed of a hook that is gone by then, and no longer when they have just said so', async (t) => {
    assert.deepEqual(await failAfter(t, ({ changes }) => changes.remove(NAME, ME)), []);
    const quiet = await failAfter(t, ({ changes }) =>
      changes.update(NAME, (known) => ({ ...known, metadata: { ...known.metadata, emailOnError: false } }), ME),
    );
    assert.deepEqual(quiet, []);
  });

  it('is not mailed of a fire that another server has finished with a task', async (t) => {
    const { server, hook, mails, entries } = await createFailing(t);
    const at = server.clock.now();
    await server.fires.finishAnd(
      { hookUid: hook.uid, cause: 'gone', at, outcome: 'exhausted', error: undefined, attempts: 3 },
      async () => assert.fail('nothing was finished here'),
    );
    assert.deepEqual([mails, await entries(hook.uid)], [[], []]);
  });
});
