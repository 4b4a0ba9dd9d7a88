// `hookwright fires follow`: what comes into the ledger, as it comes.

import type { Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { isUnreachable } from '../cli/explain-error.ts';
import { heedInterruption } from '../cli/interruption.ts';
import type { Output, Paint } from '../cli/output.ts';
import { asJson, oneLine } from '../cli/output.ts';
import { readEvents } from './event-stream.ts';
import { fireCells } from './fire-cells.ts';
import { type FoundFire, queryOf } from './fire-filter.ts';

const LOOK_EVERY_MS = 1_000;
/** Rows that may come a second time after a break. */
const REMEMBERED = 1_000;

/** Ends with Ctrl-C, or when the server refuses; a server that is away is waited for. */
export const followFires: Run = async (call) => {
  const { signal, grace } = heedInterruption(call.clock);
  const { output } = call;
  const query = queryOf(call);
  const seen = new Set<number>();
  const { hooks: first } = await call.connect();
  /** After a break it goes on from here. */
  let last = (await first.searchFires({ limit: 1 })).fires[0]?.seq;
  const take = (fire: FoundFire) => {
    if (seen.has(fire.seq)) return;
    last = fire.seq;
    seen.add(fire.seq);
    if (seen.size > REMEMBERED) seen.delete(seen.values().next().value as number);
    output.line(output.isJson ? asJson(fire, 0) : lineOf(fire, output.paint));
  };
  let state: 'new' | 'there' | 'away' = 'new';
  while (!signal.aborted) {
    try {
      // Asked again each time: a server that was started anew may be elsewhere.
      const { hooks } = await call.connect();
      const { body } = await hooks.followFires({ ...query, ...(state !== 'new' && last && { after: last }) });
      if (state === 'new') output.remark('Following; Ctrl-C ends it.');
      if (state === 'away') output.remark('The server is there again.');
      state = 'there';
      if (body) await read(body, { take, output, signal });
    } catch (error) {
      if (signal.aborted) break;
      // The first look is not forgiven: a wrong filter or wrong credentials are said at once.
      if (state === 'new' || !isBreak(error)) throw error;
      if (state === 'there') output.remark('The server cannot be reached; waiting for it.');
      state = 'away';
    }
    await call.clock.sleep(LOOK_EVERY_MS, signal);
  }
  await grace();
  return EXIT_STATUS.done;
};

/** A stream that breaks off throws what fetch throws. */
const isBreak = (error: unknown): boolean => isUnreachable(error) || error instanceof TypeError;

type Reading = {
  readonly take: (fire: FoundFire) => void;
  readonly output: Output;
  readonly signal: AbortSignal;
};

const read = async (body: ReadableStream<Uint8Array>, { take, output, signal }: Reading): Promise<void> => {
  for await (const { event, data } of readEvents(body, signal)) {
    const value = JSON.parse(data) as FoundFire & { readonly until: string };
    if (event !== 'gap') take(value);
    else output.remark(`More came before ${value.until} than is shown; hookwright fires search shows it.`);
  }
};

/** Columns of fixed width, because what comes is not known yet. */
const lineOf = (fire: FoundFire, paint: Paint): string => {
  const [seq = '', ended = '', hook = '', outcome = '-', firedBy = '-', taskId = '-', reason = ''] = fireCells(fire);
  const colour = outcome === 'created' ? 'green' : outcome === 'declined' || fire.kind !== 'fire' ? 'dim' : 'red';
  const start = `${seq.padEnd(8)}  ${ended}  ${hook.padEnd(24)}  ${paint(colour, outcome.padEnd(10))}`;
  return `${start}  ${firedBy.padEnd(20)}  ${taskId.padEnd(22)}  ${oneLine(reason)}`.trimEnd();
};
