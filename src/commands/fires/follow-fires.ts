// `hookwright fires follow`: what comes into the ledger, as it comes.
import type { Run } from '../cli/command.ts';
import { keepLooking } from '../cli/keep-looking.ts';
import type { Output, Paint } from '../cli/output.ts';
import { asJson, oneLine } from '../cli/output.ts';
import { readEvents } from './event-stream.ts';
import { fireCells } from './fire-cells.ts';
import { type FoundFire, queryOf } from './fire-filter.ts';

const LOOK_EVERY_MS = 1_000;
/** Rows that may come a second time after a break. */
const REMEMBERED = 1_000;

export const followFires: Run = async (call) => {
  const { output } = call;
  const query = queryOf(call);
  const seen = new Set<number>();
  /** After a break it goes on from here. */
  let last: number | undefined;
  const take = (fire: FoundFire) => {
    if (seen.has(fire.seq)) return;
    last = fire.seq;
    seen.add(fire.seq);
    if (seen.size > REMEMBERED) seen.delete(seen.values().next().value as number);
    output.line(output.isJson ? asJson(fire, 0) : lineOf(fire, output.paint));
  };
  let isNew = true;
  return keepLooking(call, LOOK_EVERY_MS, async ({ connection: { hooks }, answered, signal }) => {
    if (isNew) last = (await hooks.searchFires({ limit: 1 })).fires[0]?.seq;
    const { body } = await hooks.followFires({ ...query, ...(!isNew && last && { after: last }) });
    if (isNew) output.remark('Following; Ctrl-C ends it.');
    isNew = false;
    answered();
    if (body) await read(body, { take, output, signal });
  });
};

type Reading = {
  readonly take: (fire: FoundFire) => void;
  readonly output: Output;
  readonly signal: AbortSignal;
};

const read = async (body: ReadableStream<Uint8Array>, { take, output, signal }: Reading): Promise<void> => {
  try {
    for await (const { event, data } of readEvents(body, signal)) {
      const value = JSON.parse(data) as FoundFire & { readonly until: string };
      if (event !== 'gap') take(value);
      else output.remark(`More came before ${value.until} than is shown; hookwright fires search shows it.`);
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // of fetch, for a stream that broke off: the next look tells
  }
};

/** Columns of fixed width, because what comes is not known yet. */
const lineOf = (fire: FoundFire, paint: Paint): string => {
  const [seq = '', ended = '', hook = '', outcome = '-', firedBy = '-', taskId = '-', reason = ''] = fireCells(fire);
  const colour = outcome === 'created' ? 'green' : outcome === 'declined' || fire.kind !== 'fire' ? 'dim' : 'red';
  const start = `${seq.padEnd(8)}  ${ended}  ${hook.padEnd(24)}  ${paint(colour, outcome.padEnd(10))}`;
  return `${start}  ${firedBy.padEnd(20)}  ${taskId.padEnd(22)}  ${oneLine(reason)}`.trimEnd();
};
