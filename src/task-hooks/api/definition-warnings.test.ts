import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEvaluator } from '../evaluation/evaluator.ts';
import { createInlinePool } from '../test-support/inline-pool.ts';
import { scheduledHook } from '../test-support/world.ts';
import { createDefinitionWarnings } from './definition-warnings.ts';

const evaluator = createEvaluator(createInlinePool());
const BINDING = { exchange: 'e', routingKeyPattern: '#' };
const DEFAULT_SCHEMA = { type: 'object', additionalProperties: false };

const warningsOf = createDefinitionWarnings({ evaluator, scopesOfRole: undefined });

describe('the warning about a trigger schema', () => {
  const warns = async (triggerSchema: object, bindings = [BINDING]) =>
    (await warningsOf(scheduledHook([], { triggerSchema, bindings }))).length > 0;

  it('comes with bindings and a schema that admits no properties, as the one that hooks get who give none', async () => {
    assert.equal(await warns(DEFAULT_SCHEMA), true);
    assert.equal(await warns(DEFAULT_SCHEMA, []), false);
  });

  it('does not come when some properties are admitted', async () => {
    for (const schema of [
      {},
      { type: 'object' },
      { type: 'object', additionalProperties: true },
      { properties: { a: {} }, additionalProperties: false },
      { patternProperties: { a: {} }, additionalProperties: false },
    ]) {
      assert.equal(await warns(schema), false, JSON.stringify(schema));
    }
  });
});

describe('the warning about a role', () => {
  const warningsWith = (...scopes: string[]) =>
    createDefinitionWarnings({ evaluator, scopesOfRole: async (role) => [`assume:${role}`, ...scopes] })(
      scheduledHook([]),
    );

  it('comes when the role of the hook has no scopes, and names the command that gives it some', async () => {
    const [warning, ...others] = await warningsWith();
    assert.match(warning ?? '', /^The role hook-id:g\/h has no scopes.*hookwright roles grant/);
    assert.deepEqual(others, []);
  });

  it('does not come when the role has scopes, or when roles live elsewhere', async () => {
    assert.deepEqual(await warningsWith('queue:create-task:lowest:p/w'), []);
    assert.deepEqual(await warningsOf(scheduledHook([])), []);
  });
});
