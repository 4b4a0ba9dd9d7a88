// The runs of one job: events one after the other, and for each the scripts that see it, as long as
// it stays the same. What changes the event is looked at by the host before anything else runs.
import type { GivenEvent, Run, RunJob, RunReport, Verdict } from './worker-protocol.ts';

/** `begins` is told which run comes next, counted through the whole job. */
export const runInOrder = (
  { events }: Pick<RunJob, 'events'>,
  runOne: (run: Run & GivenEvent) => RunReport,
  begins: (index: number) => void,
): RunReport[][] => {
  const all: RunReport[][] = [];
  const states = new Map<string, string>();
  let first = 0;
  for (const { event, runs } of events) {
    const reports: RunReport[] = [];
    all.push(reports);
    for (const [place, run] of runs.entries()) {
      begins(first + place);
      const set = states.get(run.owner);
      const known = set === undefined ? run.known : { ...run.known, state: set };
      const report = runOne({ ...run, ...event, known });
      const { verdict, state } = report;
      reports.push(report);
      if (verdict.kind === 'failed') {
        if (run.passesWhenFailed) continue;
        break;
      }
      if (state !== undefined) states.set(run.owner, state);
      if (verdict.kind === 'denied') break;
      // It may be none that counts, and then its state does not count either.
      const isOpen = place + 1 < runs.length || state !== undefined;
      if (isOpen && !isUnchanged(event, verdict)) return all;
    }
    first += runs.length;
  }
  return all;
};

/** Whether the event is allowed, as it was given. */
export const isUnchanged = ({ parts, skeleton, isWhole }: GivenEvent, verdict: Verdict): boolean => {
  if (verdict.kind === 'same') return true;
  if (verdict.kind === 'whole') return isWhole && verdict.json === skeleton;
  if (verdict.kind !== 'pieces' || verdict.skeleton !== skeleton) return false;
  return verdict.parts.every(([index, json]) => json === parts[index]);
};
