import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Evaluation, evaluate, reasonOf } from './evaluate.ts';
import { compileTriggerSchema } from './schemas/trigger-schema.ts';

const evaluated = (triggerSchema: object, payload: unknown): Evaluation => {
  const context = { firedBy: 'pulseMessage', taskId: 'T', now: '2026-11-20T00:00:00.000Z', payload } as const;
  const job = { key: 'k', template: {}, triggerSchema, context, payloadBytes: 2 };
  return evaluate(job, compileTriggerSchema(triggerSchema));
};

describe('an event', () => {
  it('of a hook whose stored trigger schema cannot be used fails at once, and says why', () => {
    for (const schema of [{ allOf: [{ $ref: '#' }] }, { type: 'text' }, { $ref: '#/none' }]) {
      const evaluation = evaluated(schema, {});
      assert.ok(evaluation.outcome === 'failed', JSON.stringify(evaluation));
      assert.match(
        evaluation.message,
        /^The trigger schema of the hook cannot be used; save the hook with another one:/,
      );
    }
  });

  it('has a short reason in the ledger, whatever its payload or its template made up', () => {
    const name = 'k'.repeat(200_000);
    const rejected = evaluated({ additionalProperties: false }, { [name]: 1 });
    for (const one of [
      rejected,
      { outcome: 'failed', message: name },
      { outcome: 'limited', message: name },
    ] as const) {
      assert.ok(one.outcome !== 'rendered');
      assert.ok(reasonOf(one).length < 10_000, `${reasonOf(one).length}`);
    }
  });

  it('whose payload nests too deep for a recursive trigger schema is limited, and does not come again', () => {
    const nested = { anyOf: [{ type: 'array', items: { $ref: '#' } }] };
    let payload: unknown = [];
    for (let level = 0; level < 50_000; level += 1) payload = [payload];
    const evaluation = evaluated(nested, payload);
    assert.deepEqual(evaluation, {
      outcome: 'limited',
      message: 'The payload nests too deep to be checked with the trigger schema.',
      step: 'validated',
    });
  });
});
