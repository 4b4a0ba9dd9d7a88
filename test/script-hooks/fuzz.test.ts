import { test } from 'node:test';
import { roundsOf } from '../support/test-length.ts';
import { assertFlat, fuzz } from './fuzz.ts';

test('a mix of runs, one in a hundred hostile, leaves memory flat and every honest run right', async (t) => {
  const result = await fuzz(roundsOf(5_000), 1);
  t.diagnostic(`${result.honest} honest, ${result.malformed} malformed, ${result.hostile} hostile`);
  assertFlat(result.memory);
});
