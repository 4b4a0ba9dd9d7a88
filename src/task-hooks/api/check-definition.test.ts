import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../core/clock.ts';
import { checkDefinition, MOST_PATTERNS } from './check-definition.ts';

const check = (schedule: string[]) => {
  const evaluator = { checkTriggerSchema: async () => undefined } as unknown as Parameters<
    typeof checkDefinition
  >[2]['evaluator'];
  const metadata = { name: '', description: '', owner: 'a@example.com', emailOnError: false };
  const request = { metadata, task: {}, schedule, triggerSchema: {} };
  const settings = { evaluator, deniedExchanges: [], clock: systemClock };
  return checkDefinition({ hookGroupId: 'g', hookId: 'h' }, request, settings);
};
const patterns = Array.from({ length: MOST_PATTERNS }, (_, at) => `${at % 60} ${Math.floor(at / 60)} * 1,3,5 *`);

test('while very many cron patterns are checked, others have their turns', async () => {
  let turns = 0;
  let next = setImmediate(function count() {
    turns += 1;
    next = setImmediate(count);
  });
  await check(patterns);
  clearImmediate(next);
  assert.ok(turns >= 4, `${turns}`);
});

test('the first wrong one of them is named by its place', async () => {
  const wrong = [...patterns.slice(0, 700), '61 * * * *', '62 * * * *'];
  await assert.rejects(check(wrong), {
    code: 'InputError',
    message: /^schedule\[700\] "61 \* \* \* \*" is not a cron/,
  });
});
