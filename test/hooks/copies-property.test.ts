// Deliveries and their copies in any order and at any time, against an oracle that only counts.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { roundsOf } from '../support/test-length.ts';
import { SECRET, startWithWebhook } from './support/webhooks.ts';

/** Those of one list are sent at once. */
const ROUNDS = fc.array(
  fc.array(fc.record({ event: fc.nat(4), webhook: fc.nat(1), id: fc.nat(2) }), { minLength: 1, maxLength: 12 }),
  { minLength: 1, maxLength: 4 },
);

it('each event fires once for each webhook, and all that came beside it are counted as copies', async (t) => {
  const { deliver, to, put, queue, rows } = await startWithWebhook(t, { respond: 'Task' });
  const other = (await put('other', { scheme: 'github', secrets: [SECRET], respond: 'Task' })).json.url;
  let run = 0;
  const property = fc.asyncProperty(ROUNDS, async (rounds) => {
    run += 1;
    const tasksBefore = queue.tasks.size;
    const answers = new Map<string, Set<string>>();
    for (const round of rounds) {
      await Promise.all(
        round.map(async ({ event, webhook, id }) => {
          const body = JSON.stringify({ run, event });
          const { status, json } = await deliver(webhook === 0 ? to : other, body, { 'x-github-delivery': `${id}` });
          assert.equal(status, 200);
          const key = `${webhook} ${event}`;
          answers.set(key, (answers.get(key) ?? new Set()).add(json.taskId));
        }),
      );
    }
    const sent = rounds.flat().length;
    assert.equal(queue.tasks.size - tasksBefore, answers.size);
    for (const [key, taskIds] of answers) assert.equal(taskIds.size, 1, key);
    const known = await rows('select task_id, copies from known_events');
    const ofRun = known.filter(({ task_id }) => [...answers.values()].some((taskIds) => taskIds.has(task_id)));
    const copies = ofRun.reduce((sum, row) => sum + row.copies, 0);
    assert.deepEqual([ofRun.length, copies], [answers.size, sent - answers.size]);
  });
  await fc.assert(property, { numRuns: roundsOf(25) });
});
