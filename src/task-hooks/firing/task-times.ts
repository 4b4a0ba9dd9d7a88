// Until when a task may be created.

const DAY_MS = 24 * 60 * 60 * 1000;

/** The rendered deadline in ms. One that is no date is for the queue to refuse. */
export const givesUpAt = (deadline: unknown, created: number): number => {
  const ms = typeof deadline === 'string' ? Date.parse(deadline) : Number.NaN;
  const latest = created + 6 * DAY_MS; // no queue takes a task with a later one
  return Number.isNaN(ms) ? created + DAY_MS : Math.min(Math.max(ms, created + 1), latest);
};
