// The line that says what is wrong ends as a sentence does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiCallError } from '#client';
import { describeExplained, explainError } from './explain-error.ts';

test('an error has a full stop behind it, unless it ends as a question', () => {
  const firstLine = (message: string) => {
    const explained = explainError(new ApiCallError(message, { code: 'ResourceNotFound', method: 'task' }), {});
    return describeExplained(explained ?? assert.fail()).split('\n')[0];
  };
  assert.equal(firstLine('No such hook'), 'hookwright: No such hook. [ResourceNotFound]');
  assert.equal(firstLine('No such hook.'), 'hookwright: No such hook. [ResourceNotFound]');
  assert.equal(firstLine('Are you sure?'), 'hookwright: Are you sure? [ResourceNotFound]');
});
