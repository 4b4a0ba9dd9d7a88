// The data of the events of a channel, as clients read them.
import type { Fact } from '../agents/agent.ts';

type Answered = 'poke' | 'subscribe';

export const ackText = (response: Answered, id: number): string => JSON.stringify({ ok: 'ok', id, response });

export const nackText = (response: Answered, id: number, reason: string): string =>
  JSON.stringify({ err: [reason], id, response });

export const quitText = (id: number): string => JSON.stringify({ id, response: 'quit' });

/** Written once for all who get it: what they have each for themselves is the id. */
export const factText = ({ json, mark }: Fact): ((id: number) => string) => {
  const rest = JSON.stringify({ json: json ?? null, response: 'diff', mark }).slice(1);
  return (id) => `{"id":${id},${rest}`;
};
