// Hooks for tests, and what a test asks of their tasks.
import type { FakeClock } from '../../support/fake-clock.ts';
import { eventually } from '../../support/wait.ts';

/** A hook whose task says how it came about. `more` overrides. */
export const definition = (more: object = {}) => ({
  metadata: { name: 'n', description: '', owner: 'owner@example.com' },
  task: { payload: { said: { $if: "firedBy == 'schedule'", then: null, else: { $eval: 'payload' } } } },
  triggerSchema: { type: 'object' },
  ...more,
});

export const bindingTo = (exchange: string, routingKeyPattern = '#') => ({
  bindings: [{ exchange, routingKeyPattern }],
});

// biome-ignore lint/suspicious/noExplicitAny: a task is what the test says it is.
export const parsed = (tasks: ReadonlyMap<string, string>): any[] =>
  [...tasks.values()].map((text) => JSON.parse(text));

/** Resolves with the first thing found, while time passes in steps. */
export const passTimeUntil = <T>(
  clock: FakeClock,
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  stepMs = 1_000,
): Promise<T> =>
  eventually(what, async () => {
    const found = await look();
    if (found === undefined || found === false) await clock.advance(stepMs);
    return found;
  });
