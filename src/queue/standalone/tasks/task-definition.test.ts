import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toIso } from '../../../core/clock.ts';
import { compilePayloadCheck } from '../../../http/validation.ts';
import {
  CREATE_TASK_REQUEST,
  type CreateTaskPayload,
  checkTaskTimes,
  completeTask,
  scopesToCreate,
  timesOf,
} from './task-definition.ts';

const TASK_ID = 'lgiTD5RrQt2OlpKdV_yWJg';
const NOW = Date.UTC(2026, 10, 20, 16);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const check = compilePayloadCheck(CREATE_TASK_REQUEST, () => 'schema');

/** Recorded at Taskcluster's own queue. */
const request = (more: object = {}): CreateTaskPayload => {
  const task = {
    taskQueueId: 'prov/wt',
    created: toIso(NOW),
    deadline: toIso(NOW + 60 * MINUTE),
    payload: {},
    metadata: { name: 'n', description: 'd', owner: 'o', source: 'https://example.com' },
    ...more,
  };
  check(task);
  return task as unknown as CreateTaskPayload;
};
const complete = (more: object = {}) => completeTask(TASK_ID, request(more));

describe('a task definition', () => {
  it('has everything filled in as the queue of Taskcluster fills it in', () => {
    assert.deepEqual(complete(), {
      provisionerId: 'prov',
      workerType: 'wt',
      taskQueueId: 'prov/wt',
      schedulerId: '-',
      projectId: 'none',
      taskGroupId: TASK_ID,
      dependencies: [],
      requires: 'all-completed',
      routes: [],
      priority: 'lowest',
      retries: 5,
      created: '2026-11-20T16:00:00.000Z',
      deadline: '2026-11-20T17:00:00.000Z',
      expires: '2027-11-20T17:00:00.000Z',
      scopes: [],
      payload: {},
      metadata: { name: 'n', description: 'd', owner: 'o', source: 'https://example.com' },
      tags: {},
      extra: {},
    });
  });

  it('may name its queue in either way, or in both when they agree', () => {
    const parts = { provisionerId: 'prov', workerType: 'wt' };
    for (const names of [{ taskQueueId: undefined, ...parts }, parts, {}]) {
      const { taskQueueId, provisionerId, workerType } = complete(JSON.parse(JSON.stringify(names)));
      assert.deepEqual([taskQueueId, provisionerId, workerType], ['prov/wt', 'prov', 'wt']);
    }
    assert.throws(() => complete({ provisionerId: 'prov', workerType: 'other' }), /taskQueueId must match/);
    assert.throws(() => complete({ provisionerId: 'prov' }), /go together/);
    const { taskQueueId: _, ...without } = request();
    assert.throws(() => completeTask(TASK_ID, without), /needs a `taskQueueId`/);
  });

  for (const [what, more] of Object.entries({
    'a field that nobody knows': { more: 1 },
    'a priority that nobody knows': { priority: 'normal' },
    'too many retries': { retries: 50 },
    'a route twice': { routes: ['a', 'a'] },
    'a scope that is not ASCII': { scopes: ['ü'] },
    'a worker type that ends in a hyphen': { taskQueueId: 'prov/w-' },
    'a provisioner that is too long': { taskQueueId: `${'p'.repeat(39)}/w` },
    'no deadline': { deadline: null },
    'a deadline that is no date': { deadline: 'tomorrow' },
    'a dependency that is no task': { dependencies: ['x'] },
    'a tag that is no text': { tags: { a: 1 } },
    'metadata with more': { metadata: { name: '', description: '', owner: '', source: 'https://a', more: 1 } },
    'a source that is no link': { metadata: { name: '', description: '', owner: '', source: 'javascript:x' } },
  })) {
    it(`with ${what} is refused`, () => {
      assert.throws(() => request(JSON.parse(JSON.stringify({ ...request(), ...more }))), {
        code: 'InputValidationError',
      });
    });
  }
});

describe('the times of a task', () => {
  const refusal = (more: object, mayBeLate = false): string | undefined => {
    try {
      checkTaskTimes(complete(more), timesOf(request(more)), NOW, mayBeLate);
    } catch (error) {
      return (error as Error).message;
    }
    return undefined;
  };
  const at = (ms: number) => toIso(NOW + ms);

  it('may drift by 15 minutes and end within 5 days', () => {
    for (const [created, deadline] of [
      [0, 60 * MINUTE],
      [-15 * MINUTE, 1],
      [15 * MINUTE, 15 * MINUTE],
      [0, 5 * DAY],
    ] as const) {
      assert.equal(refusal({ created: at(created), deadline: at(deadline) }), undefined);
    }
  });

  it('that are wrong are told in the words of the queue of Taskcluster', () => {
    assert.equal(refusal({ created: at(-15 * MINUTE - 1) }), '`created` cannot be in the past (max 15min drift)');
    assert.equal(refusal({ created: at(15 * MINUTE + 1) }), '`created` cannot be in the future (max 15min drift)');
    assert.equal(refusal({ created: at(-5), deadline: at(-1) }), '`deadline` cannot be in the past');
    assert.equal(refusal({ created: at(0), deadline: at(0) }), '`deadline` cannot be in the past');
    assert.match(refusal({ created: at(5), deadline: at(1) }) ?? '', /`deadline` cannot be/);
    assert.equal(refusal({ deadline: at(6 * DAY) }), '`deadline` cannot be more than 5 days into the future');
    assert.equal(refusal({ expires: at(59 * MINUTE) }), '`expires` cannot be before `deadline`');
    assert.equal(refusal({ scopes: ['a**'] }), 'scopes must not end with `**`');
  });

  it('of a fire that was stored in time may be in the past, but not its deadline', () => {
    assert.equal(refusal({ created: at(-DAY) }, true), undefined);
    assert.equal(refusal({ created: at(-DAY), deadline: at(-1) }, true), '`deadline` cannot be in the past');
  });
});

describe('the scopes that a task takes', () => {
  it('are those that the queue of Taskcluster was recorded to require', () => {
    const task = complete({ scopes: ['s:1'], routes: ['r'], priority: 'medium', schedulerId: 'x' });
    assert.equal(
      JSON.stringify(scopesToCreate(task)),
      '{"AllOf":["s:1","queue:route:r","queue:create-task:project:none","queue:scheduler-id:x",{"AnyOf":["queue:create-task:highest:prov/wt","queue:create-task:very-high:prov/wt","queue:create-task:high:prov/wt","queue:create-task:medium:prov/wt"]}]}',
    );
  });

  it('admit a priority to who may create that one or a higher one', () => {
    const names = ['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'];
    for (const [index, priority] of names.entries()) {
      const { AllOf } = scopesToCreate(complete({ priority })) as { AllOf: unknown[] };
      const AnyOf = names.slice(0, index + 1).map((name) => `queue:create-task:${name}:prov/wt`);
      assert.deepEqual(AllOf.at(-1), { AnyOf });
    }
  });
});
