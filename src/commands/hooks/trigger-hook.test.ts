// What a trigger says of a task that the queue has not taken yet: not that it was made, and waiting
// goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiCallError } from '#client';
import type { Call } from '../cli/command.ts';
import { triggerHook } from './trigger-hook.ts';

type Said = { readonly status: number | undefined; readonly code: string | undefined; readonly text: string };

/** `looks`: what each look at the task finds; undefined: no task yet. The last one stays. */
const trigger = async (
  answeredAfterMs: number,
  looks: readonly (string | undefined)[],
  isUnderWay: boolean,
): Promise<Said> => {
  let now = 0;
  let look = 0;
  const said: string[] = [];
  const call = {
    ...{
      argument: () => 'g/h',
      text: (name: string) => (name === 'payload' ? '{}' : undefined),
      has: (name: string) => name === 'wait' && looks.length > 0,
    },
    output: {
      answer: (_: unknown, text: () => string) => void said.push(text()),
      remark: (text: string) => void said.push(text),
    },
    clock: { monotonic: () => now, sleep: async () => {} },
    connect: async () => ({
      hooks: {
        triggerHook: async () => {
          now += answeredAfterMs;
          return { taskId: 't', status: { taskId: 't' } };
        },
        listFires: async () => ({ fires: [], pending: isUnderWay ? [{ taskId: 't' }] : [] }),
      },
      queue: {
        status: async () => {
          const state = looks[Math.min(look++, looks.length - 1)];
          if (state === undefined) throw new ApiCallError('no task', { code: 'ResourceNotFound', method: 'status' });
          return { status: { state } };
        },
      },
    }),
  } as unknown as Call;
  const [status, code] = await triggerHook(call).then(
    (value) => [value, undefined] as const,
    (error: ApiCallError) => [undefined, error.code] as const,
  );
  return { status, code, text: said.join('\n') };
};

test('a task is called made only if the queue can have taken it when the call was answered', async () => {
  assert.deepEqual(await trigger(50, [], false), { status: 0, code: undefined, text: 'Made the task t.' });
  const { status, text } = await trigger(10_000, [], true);
  assert.equal(status, 0);
  assert.match(text, /^The task t may not be made yet: .* \(hookwright hooks fires g\/h\)\.$/);
});

test('waiting goes on while the fire is under way, and ends when its task was not to be', async () => {
  const made = await trigger(10_000, [undefined, undefined, 'pending', 'completed'], true);
  assert.deepEqual([made.status, made.code], [0, undefined]);
  assert.match(made.text, /The task t is completed\.$/);
  // Made between the look at the queue and the look at the fires.
  assert.equal((await trigger(10_000, [undefined, 'failed'], false)).status, 1);
  assert.equal((await trigger(10_000, [undefined], false)).code, 'ResourceNotFound');
});
