// `node scripts/run.js bench/bounds/slowest-check.ts [SECONDS]`: looks for the trigger schema and
// the payload that hold the main thread longest, of those that may use it. It measures the
// processor time of the thread, so other work on the machine matters little.
import { costOfSchema } from '../../src/task-hooks/evaluation/schemas/schema-cost.ts';
import { compileTriggerSchema } from '../../src/task-hooks/evaluation/schemas/trigger-schema.ts';
import { HANDMADE, randomSchema, SHAPES } from './slowest-check-cases.ts';

const MOST_MS = 50;
const TRIES = 3;

type Found = { readonly what: string; readonly ms: number };

const cpuMs = (work: () => void): number => {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
};

const slowest = { compile: [] as Found[], check: [] as Found[] };
const note = (kind: keyof typeof slowest, what: string, ms: number) => {
  slowest[kind] = [...slowest[kind], { what: what.slice(0, 300), ms }].sort((a, b) => b.ms - a.ms).slice(0, 8);
};

/** The shape, filled to as many bytes as are let through. */
const fill = (shape: (size: number) => unknown, bytes: number): unknown => {
  let [size, tooLarge] = [0, bytes + 1];
  while (tooLarge - size > 1) {
    const middle = Math.floor((size + tooLarge) / 2);
    if (JSON.stringify(shape(middle)).length <= bytes) size = middle;
    else tooLarge = middle;
  }
  return shape(size);
};

const attack = (name: string, schema: object, shapes: readonly ((size: number) => unknown)[]): boolean => {
  const cost = costOfSchema(schema);
  const bytes = cost?.largestPayload() ?? -1;
  if (bytes < 0) return false;
  let compilation = compileTriggerSchema(schema);
  note(
    'compile',
    name,
    Math.min(
      ...[1, 2].map(() =>
        cpuMs(() => {
          compilation = compileTriggerSchema(schema);
        }),
      ),
    ),
  );
  if (!compilation.ok) return false;
  const { check } = compilation.schema;
  for (const shape of shapes) {
    const text = JSON.stringify(fill(shape, bytes));
    const tries = Array.from({ length: TRIES }, () => {
      const payload: unknown = JSON.parse(text);
      return cpuMs(() => check(payload, text.length));
    });
    note('check', `${name} × ${text.length} bytes: ${text.slice(0, 60)}`, tries.sort((a, b) => a - b)[1] as number);
  }
  return true;
};

const seconds = Number(process.argv[2] ?? 60);
const until = performance.now() + seconds * 1000;
for (const { name, schema, shape } of HANDMADE) {
  const isHere = attack(name, schema, [shape]);
  if (!isHere) process.stdout.write(`${name}: not on the main thread\n`);
}
let [tried, here] = [0, 0];
while (performance.now() < until) {
  const schema = randomSchema();
  tried += 1;
  if (attack(JSON.stringify(schema), schema, SHAPES)) here += 1;
}
process.stdout.write(
  `${tried} random schemas, of which ${here} are for the main thread, with ${SHAPES.length} payloads each\n`,
);
for (const [kind, found] of Object.entries(slowest)) {
  process.stdout.write(`slowest ${kind}:\n`);
  for (const { what, ms } of found) process.stdout.write(`  ${ms.toFixed(1).padStart(7)} ms  ${what}\n`);
}
process.exitCode = [...slowest.check, ...slowest.compile].some(({ ms }) => ms > MOST_MS) ? 1 : 0;
