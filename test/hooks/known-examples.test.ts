// Three examples that everybody knows: the schedules "daily at 1:00 UTC" and "weekdays at 9:00 and
// 21:00 UTC, weekends at noon", and `release/ship-release`.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { nextOccurrence } from '../../src/timers/schedule/schedule.ts';
import { type Clients, clientsOf, rootClients, taskcluster } from '../support/client.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { serveQuickly } from '../support/server.ts';
import { eventually, lastFirst } from '../support/wait.ts';
import { definition, parsed } from './support/definitions.ts';
import { createWorld } from './support/world.ts';

const HOUR = 3_600_000;
const DAILY = ['0 0 1 * * *'];
const WEEKDAYS_AND_WEEKENDS = ['0 0 9,21 * * 1-5', '0 0 12 * * 0,6'];

/** Said in words and not in cron: which hours of which days. */
const isDue = {
  daily: (date: Date) => date.getUTCHours() === 1,
  weekdaysAndWeekends: (date: Date) =>
    [0, 6].includes(date.getUTCDay()) ? date.getUTCHours() === 12 : [9, 21].includes(date.getUTCHours()),
};

describe('the schedules of the reference documentation', () => {
  for (const [name, schedule, isDueAt] of [
    ['daily at 1:00', DAILY, isDue.daily],
    ['weekdays at 9:00 and 21:00, weekends at noon', WEEKDAYS_AND_WEEKENDS, isDue.weekdaysAndWeekends],
  ] as const) {
    it(`(${name}) have the dates that the words say, through leap years and turns of the year`, () => {
      for (const year of [2026, 2027, 2028, 2100]) {
        let next = nextOccurrence(schedule, Date.UTC(year, 0, 1) - 1);
        for (let hour = Date.UTC(year, 0, 1); hour < Date.UTC(year + 1, 0, 1); hour += HOUR) {
          if (!isDueAt(new Date(hour))) continue;
          assert.equal(next, hour);
          next = nextOccurrence(schedule, hour);
        }
        assert.ok(next !== undefined && next >= Date.UTC(year + 1, 0, 1));
      }
    });

    it(`(${name}) fire at those dates and at no other, and the status tells the next one`, async (t) => {
      const clock = createFakeClock(Date.UTC(2026, 10, 20, 0, 30)); // a Friday
      const { start, queue } = await createWorld(t, { clock });
      const { hooks } = await start({ isIdle: true });
      await hooks.createHook('g', 'h', definition({ schedule }));
      const expected: number[] = [];
      for (let hour = Date.UTC(2026, 10, 20, 1); hour < Date.UTC(2026, 10, 25); hour += HOUR) {
        if (isDueAt(new Date(hour))) expected.push(hour);
      }
      for (const [index, date] of expected.entries()) {
        assert.equal((await hooks.getHookStatus('g', 'h')).nextScheduledDate, new Date(date).toISOString());
        clock.jump(date - 1_000 - clock.now());
        const scheduler = await start();
        await clock.advance(999);
        assert.equal(queue.tasks.size, index);
        await clock.advance(1);
        await eventually(`the fire of ${new Date(date).toISOString()}`, () => queue.tasks.size === index + 1);
        await scheduler.stop();
      }
      assert.deepEqual(
        parsed(queue.tasks).map(({ created }) => Date.parse(created)),
        expected,
      );
      // A fire whose server ended before it could write down the outcome is asked for again, under
      // the same taskId.
      const first = [...Map.groupBy(queue.asked, ({ taskId }) => taskId).values()].map(([asked]) => asked?.at);
      assert.deepEqual(first, expected);
    });
  }
});

describe('release/ship-release', () => {
  const cleanup = lastFirst({ after });
  const ROLE = 'hook-id:release/ship-release';
  const PUSH = 'secrets:get:release/push-key';
  const ROLE_SCOPES = [
    PUSH,
    'queue:create-task:project:release',
    'queue:scheduler-id:-',
    'queue:create-task:lowest:release/signing',
  ];
  const ship = (more: object = {}) => ({
    metadata: { name: 'Ship a release', description: 'Pushes it to users', owner: 'release@example.com' },
    triggerSchema: {
      type: 'object',
      properties: { version: { type: 'string', pattern: '^[0-9]+\\.[0-9]+\\.[0-9]+$', maxLength: 20 } },
      required: ['version'],
      additionalProperties: false,
    },
    task: {
      taskQueueId: 'release/signing',
      projectId: 'release',
      scopes: [PUSH],
      payload: { command: ['ship', '--version', { $eval: 'payload.version' }], triggeredBy: { $eval: 'clientId' } },
      metadata: {
        name: { $eval: "'ship ' + payload.version" },
        ...{ description: '', owner: 'release@example.com', source: 'https://example.com/' },
      },
    },
    ...more,
  });

  let root: Clients;
  let developer: Clients;
  before(async () => {
    const server = await serveQuickly(cleanup);
    root = rootClients(server.credentials);
    await root.auth.createRole(ROLE, { scopes: ROLE_SCOPES, description: 'what shipping needs' });
    await root.hooks.createHook('release', 'ship-release', ship());
    await root.hooks.createHook('release', 'ship-release2', ship());
    const { clientId, accessToken } = server.credentials;
    const credentials = taskcluster.createTemporaryCredentials({
      clientId: 'dev/ann',
      start: new Date(systemClock.now() - HOUR),
      expiry: new Date(systemClock.now() + HOUR),
      scopes: ['hooks:trigger-hook:release/ship-release'],
      credentials: { clientId, accessToken },
    });
    developer = clientsOf(server.url, credentials);
  });

  type Refused = Error & { readonly statusCode: number; readonly code: string };
  const refused = async (call: Promise<unknown>): Promise<readonly [number, string]> => {
    const error = (await call.then(
      () => assert.fail('it was allowed'),
      (reason: Refused) => reason,
    )) as Refused;
    return [error.statusCode, error.code];
  };
  const fires = async () => {
    const { lastFires } = await root.hooks.listLastFires('release', 'ship-release').catch(() => ({ lastFires: [] }));
    return lastFires.length;
  };

  it('is triggered by a developer who has nothing but that, with a version; the task has scopes that they lack', async () => {
    const { taskId } = await developer.hooks.triggerHook('release', 'ship-release', { version: '1.20.3' });
    const task = await root.queue.task(taskId);
    assert.deepEqual(task.payload, { command: ['ship', '--version', '1.20.3'], triggeredBy: 'dev/ann' });
    assert.deepEqual(task.scopes, [PUSH]);
    assert.equal(task.metadata.name, 'ship 1.20.3');
    const own = await root.queue.task(taskId);
    assert.deepEqual(
      await refused(developer.queue.createTask('AAAAAAAAQAqAAAAAAAAAAA', own)),
      [403, 'InsufficientScopes'],
      'they cannot make that task themselves',
    );
  });

  it('takes nothing from them but a version', async () => {
    const earlier = await fires();
    for (const payload of [
      {},
      { version: '' },
      { version: '1.2' },
      { version: '1.2.3; rm -rf /' },
      { version: '1.2.3\n' },
      { version: '١.٢.٣' },
      { version: 123 },
      { version: ['1.2.3'] },
      { version: { $eval: 'taskId' } },
      { version: '1.2.3', scopes: ['*'] },
      { version: '1.2.3', task: {} },
      { version: '1.2.3', taskId: 'AAAAAAAAQAqAAAAAAAAAAA' },
      JSON.parse('{"version": "1.2.3", "__proto__": {"a": 1}}'),
      JSON.parse('{"version": "1.2.3", "constructor": {"a": 1}}'),
    ]) {
      const answer = await refused(developer.hooks.triggerHook('release', 'ship-release', payload));
      assert.deepEqual(answer, [400, 'InputError'], JSON.stringify(payload));
    }
    assert.equal(await fires(), earlier);
  });

  it('is all that they may do: no other hook, no reading, no token, no change', async () => {
    const { hooks } = developer;
    const known = await root.hooks.hook('release', 'ship-release');
    for (const [what, call] of Object.entries({
      'a hook whose name begins alike': () => hooks.triggerHook('release', 'ship-release2', { version: '1.2.3' }),
      'another hook': () => hooks.triggerHook('release', 'other', { version: '1.2.3' }),
      'the token': () => hooks.getTriggerToken('release', 'ship-release'),
      'a new token': () => hooks.resetTriggerToken('release', 'ship-release'),
      'the definition': () => hooks.hook('release', 'ship-release'),
      'the status': () => hooks.getHookStatus('release', 'ship-release'),
      'the last fires': () => hooks.listLastFires('release', 'ship-release'),
      'the group': () => hooks.listHooks('release'),
      'an update': () => hooks.updateHook('release', 'ship-release', ship({ triggerSchema: { type: 'object' } })),
      'an equal creation': () => hooks.createHook('release', 'ship-release', ship()),
      'a new hook': () => hooks.createHook('release', 'mine', ship()),
      removal: () => hooks.removeHook('release', 'ship-release'),
    })) {
      assert.deepEqual(await refused(call()), [403, 'InsufficientScopes'], what);
    }
    assert.deepEqual(await root.hooks.hook('release', 'ship-release'), known);
    assert.deepEqual(
      await refused(
        hooks.triggerHookWithToken('release', 'ship-release', 'AAAAAAAAQAqAAAAAAAAAAA', { version: '1.2.3' }),
      ),
      [401, 'AuthenticationFailed'],
    );
  });

  it('creates no task beyond its role, whoever triggers it', async () => {
    const beyond = [
      { scopes: ['secrets:get:somebody/else'] },
      { scopes: ['*'] },
      { scopes: [PUSH, 'secrets:get:release/*'] },
      { taskQueueId: 'release/other' },
      { projectId: 'another' },
      { priority: 'high' },
      { routes: ['index.release'] },
      { schedulerId: 'somebody' },
    ];
    for (const more of beyond) {
      const { task } = ship();
      await root.hooks.updateHook('release', 'ship-release', ship({ task: { ...task, ...more } }));
      const error = await root.hooks
        .triggerHook('release', 'ship-release', { version: '1.2.3' })
        .catch((e: Refused) => e);
      assert.deepEqual([error.statusCode, error.code], [403, 'InsufficientScopes'], JSON.stringify(more));
      assert.match(error.message, /The role `hook-id:release\/ship-release` does not have sufficient scopes/);
    }
    await root.hooks.updateHook('release', 'ship-release', ship());
    assert.ok((await developer.hooks.triggerHook('release', 'ship-release', { version: '2.0.0' })).taskId);
  });
});
