// npm run fuzz: 100,000 runs of the mix, or as many as the first argument says; the second is the
// seed.
import { assertFlat, fuzz } from './fuzz.ts';

const [runs = '100000', seed = '1'] = process.argv.slice(2);
const result = await fuzz(Number(runs), Number(seed), (done) => process.stdout.write(`${done} runs\n`));
assertFlat(result.memory);
const { honest, malformed, hostile, memory } = result;
process.stdout.write(
  `${honest} honest, ${malformed} malformed, ${hostile} hostile; every honest run right; memory ${memory.map((mb) => mb.toFixed(0)).join(' ')} MB\n`,
);
