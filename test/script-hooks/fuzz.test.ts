import { test } from 'node:test';
import { assertFlat, fuzz } from './fuzz.ts';

test('5,000 runs of a mix, one in a hundred hostile, leave memory flat and every honest run right', async (t) => {
  const result = await fuzz(5000, 1);
  t.diagnostic(`${result.honest} honest, ${result.malformed} malformed, ${result.hostile} hostile`);
  assertFlat(result.memory);
});
