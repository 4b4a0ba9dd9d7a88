import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { satisfies } from '../auth/scopes.ts';
import { createFireTaskHook } from './fire-task-hook.ts';

/** Roles of scripts, and what was fired. */
const createWorld = (roles: Readonly<Record<string, readonly string[]>>) => {
  const fired: string[] = [];
  const asked: string[] = [];
  const scopesOfRole = async (role: string) => {
    asked.push(role);
    return roles[role] ?? [];
  };
  const fire = createFireTaskHook({ satisfies, scopesOfRole }, async ({ hookGroupId, hookId, clientId }) => {
    fired.push(`${hookGroupId}/${hookId} by ${clientId}`);
    return undefined;
  });
  const as = (name: string) => fire({ name, hookGroupId: 'g', hookId: 'h', payload: {}, taskId: 't' });
  return { as, fired, asked };
};

describe('a script hook that fires a task hook', () => {
  it('does it with the scopes of its own role, and not without them', async () => {
    const { as, fired } = createWorld({
      'hook-id:scripts/mine': ['hooks:trigger-hook:g/*'],
      'hook-id:scripts/other': ['hooks:trigger-hook:other/*'],
    });
    assert.equal(await as('mine'), undefined);
    assert.match((await as('other')) ?? '', /lacks the scope hooks:trigger-hook:g\/h/);
    assert.match((await as('none')) ?? '', /lacks the scope/);
    assert.deepEqual(fired, ['g/h by scripts/mine']);
  });

  it('has no role by a name that stands for others, or that no scope can hold', async () => {
    const { as, fired, asked } = createWorld({});
    for (const name of ['*', 'mine*', 'übung', 'a\nb', 'x '.repeat(200)]) {
      assert.match((await as(name)) ?? '', /cannot be part of a role/, name);
    }
    assert.deepEqual([fired, asked], [[], []]);
  });
});
