// Gives memory back that large requests have taken. V8 looks for garbage when more is allocated: a
// process that has become idle keeps what it held last, however long.
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../clock.ts';

export type MemoryReturnSettings = {
  readonly clock: Clock;
  /** What the process is like; of this one, if not given. */
  readonly process?: ObservedProcess;
};

export type ObservedProcess = {
  /** Bytes. */
  readonly residentBytes: () => number;
  /** Of small objects: large ones are looked through in no time. */
  readonly heapBytes: () => number;
  /** The part of the time since the last question in which the main thread was busy, 0 to 1. */
  readonly busyPart: () => number;
  readonly collect: () => void;
};

const LOOK_EVERY_MS = 15_000;
/** Since the last collection. */
const GROWN_BYTES = 32 * 1024 * 1024;
/** Who is busier than that collects as it allocates. */
const MOST_BUSY = 0.2;
/** A collection holds the main thread: some 15 ms for 60 MB. */
const LARGEST_HEAP_BYTES = 150 * 1024 * 1024;

/** Looks after this process until the signal aborts. Never rejects. */
export const returnMemory = async (settings: MemoryReturnSettings, signal: AbortSignal): Promise<void> => {
  const { clock, process: observed = observeThisProcess() } = settings;
  let before = observed.residentBytes();
  observed.busyPart();
  while (!signal.aborted) {
    await clock.sleep(LOOK_EVERY_MS, signal);
    const isIdle = observed.busyPart() <= MOST_BUSY;
    const isGrown = observed.residentBytes() > before + GROWN_BYTES;
    if (signal.aborted || !isIdle || !isGrown || observed.heapBytes() > LARGEST_HEAP_BYTES) continue;
    observed.collect();
    before = observed.residentBytes();
  }
};

export const observeThisProcess = (): ObservedProcess => {
  let since = performance.eventLoopUtilization();
  return {
    residentBytes: () => process.memoryUsage.rss(),
    heapBytes: () =>
      getHeapSpaceStatistics().reduce(
        (sum, { space_name, space_used_size }) => (space_name.includes('large') ? sum : sum + space_used_size),
        0,
      ),
    busyPart: () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, since);
      since = now;
      return utilization;
    },
    collect: collector(),
  };
};

/** Node has no other way to it. */
const collector = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return () => collect();
};
