// The runs of one job: scripts that see the same event, one after the other, for as long as it
// stays the same. What changes or denies the event is looked at by the host before the next one runs.
import type { GivenEvent, Run, RunJob, RunReport, Verdict } from './worker-protocol.ts';

/** `begins` is told which run comes next. */
export const runInOrder = (
  { event, runs }: RunJob,
  runOne: (run: Run & GivenEvent) => RunReport,
  begins: (index: number) => void,
): RunReport[] => {
  const reports: RunReport[] = [];
  for (const [index, run] of runs.entries()) {
    begins(index);
    const report = runOne({ ...run, ...event });
    reports.push(report);
    const { verdict } = report;
    if (verdict.kind === 'failed' ? !run.passesWhenFailed : !isUnchanged(event, verdict)) break;
  }
  return reports;
};

/** Whether the event is allowed, as it was given. */
export const isUnchanged = ({ parts, skeleton, isWhole }: GivenEvent, verdict: Verdict): boolean => {
  if (verdict.kind === 'same') return true;
  if (verdict.kind === 'whole') return isWhole && verdict.json === skeleton;
  if (verdict.kind !== 'pieces' || verdict.skeleton !== skeleton) return false;
  return verdict.parts.every(([index, json]) => json === parts[index]);
};
