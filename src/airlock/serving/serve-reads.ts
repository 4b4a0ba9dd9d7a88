// What a ship reads of its agents, and the threads that it runs for an answer.
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import type { Metrics } from '../../core/metrics.ts';
import { jsonInTurns } from '../../http/answers/json-in-turns.ts';
import { sendJsonText } from '../../http/send-json.ts';
import type { Agent, Thread } from '../agents/agent.ts';
import type { Bodies } from './bodies.ts';
import { type Door, Refusal } from './door.ts';
import { readScryPath } from './scry-path.ts';

export type ReadServing = {
  readonly door: Door;
  readonly agents: readonly Agent[];
  readonly threads: readonly Thread[];
  readonly bodies: Bodies;
  readonly clock: Clock;
  readonly metrics: Metrics;
};

export const serveReads = (scope: FastifyInstance, serving: ReadServing): void => {
  const { door, agents, threads, bodies, clock, metrics } = serving;
  const byName = new Map(agents.map((agent) => [agent.name, agent]));
  const duration = metrics.histogram('hookwright_airlock_scry_seconds', 'Time to answer a scry', ['agent', 'status']);

  scope.get('/~/scry/*', async (request, reply) => {
    const began = clock.monotonic();
    const { agent: name, path, extension } = readScryPath(request.raw.url ?? '');
    const agent = byName.get(name);
    const labels = { agent: agent?.name ?? 'other' };
    const observe = (status: string) => duration.observe({ ...labels, status }, (clock.monotonic() - began) / 1000);
    try {
      const { ship } = await door.requireCaller(request, reply);
      // The database takes no NUL in a text: nothing has such a name.
      const isName = extension === 'json' && !path.includes('\0');
      const json = isName ? await agent?.scry?.(path, ship) : undefined;
      if (json === undefined) throw new Refusal(404, 'There is nothing here, or nothing that you may see.');
      observe('2xx');
      return sendJsonText(reply, 200, (await jsonInTurns(json)) ?? 'null');
    } catch (error) {
      observe(error instanceof Refusal ? '4xx' : '5xx');
      throw error;
    }
  });

  scope.post('/spider/:desk/:inputMark/:thread/:outputMark', async (request, reply) => {
    const { ship } = await door.requireCaller(request, reply);
    const { desk, thread: name } = request.params as { desk: string; thread: string };
    const thread = threads.find((one) => one.desk === desk && one.name === name);
    if (!thread) throw new Refusal(404, 'There is no such thread.');
    const result = await thread.run((await bodies.readJson(request)).json, ship);
    if (result.kind === 'refused') return reply.code(400).type('text/plain').send(result.reason);
    return sendJsonText(reply, 200, JSON.stringify(result.json ?? null));
  });
};
