import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newAccessToken, newSlugId, newUuid, SLUG_ID } from './ids.ts';

describe('a new id', () => {
  it('of a task is a slug of a v4 UUID that no command line takes for a flag, and never comes twice', () => {
    const ids = Array.from({ length: 5_000 }, newSlugId);
    for (const id of ids) {
      assert.match(id, SLUG_ID);
      assert.notEqual(id[0], '-');
      const hex = Buffer.from(id, 'base64url').toString('hex');
      assert.match(hex, /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
    }
    assert.equal(new Set(ids).size, ids.length);
  });

  it('of an access token has 44 characters', () => assert.match(newAccessToken(), /^[\w-]{44}$/));

  it('of a request is a UUID', () => assert.match(newUuid(), /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/));
});

describe('a taskId', () => {
  it('has 22 characters, of which some may be only a few', () => {
    assert.match('lgiTD5RrQt2OlpKdV_yWJg', SLUG_ID);
    for (const bad of [
      '',
      'lgiTD5RrQt2OlpKdV_yWJ',
      'lgiTD5RrQt2OlpKdV_yWJgA',
      'lgiTD5RrAt2OlpKdV_yWJg',
      'lgiTD5RrQtAOlpKdV_yWJg',
      'lgiTD5RrQt2OlpKdV_yWJB',
      'lgiTD5RrQt2OlpKdV/yWJg',
      'lgiTD5RrQt2OlpKdV_yWJg\n',
    ])
      assert.doesNotMatch(bad, SLUG_ID, bad);
  });
});
