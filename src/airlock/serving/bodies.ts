// Bodies of requests to the airlock. Clients send JSON and forms with any content type, or none.
import type { FastifyRequest } from 'fastify';
import { type Clock, turnIfLarge } from '../../core/clock.ts';
import { parseBodyInTurns } from '../../http/bodies/body.ts';
import { createBodyBudget } from '../../http/bodies/body-budget.ts';
import { createStructureCheck } from '../../http/bodies/json-structure.ts';
import { receiveBody } from '../../http/bodies/receive-body.ts';

export type Bodies = {
  readonly readForm: (request: FastifyRequest) => Promise<URLSearchParams>;
  /** An object or an array. For callers who are known: it may be large. */
  readonly readJson: (request: FastifyRequest) => Promise<{ readonly json: unknown; readonly bytes: number }>;
};

/** A login code, and where to go then. */
const LARGEST_FORM_BYTES = 8 * 1024;
/** Clients send no more than half of it. */
const LARGEST_JSON_BYTES = 1024 * 1024;

export const createBodies = (clock: Clock): Bodies => {
  const budget = createBodyBudget(clock);
  const read = async ({ raw }: FastifyRequest, limit: number): Promise<Buffer> => {
    const body = receiveBody(raw, { limit, budget, clock });
    try {
      await body.begin();
      return await body.read();
    } finally {
      body.end();
    }
  };
  return {
    readForm: async (request) => new URLSearchParams((await read(request, LARGEST_FORM_BYTES)).toString('utf8')),
    readJson: async (request) => {
      const bytes = await read(request, LARGEST_JSON_BYTES);
      createStructureCheck()(bytes);
      await turnIfLarge(bytes.length);
      return { json: await parseBodyInTurns(bytes, 'application/json'), bytes: bytes.length };
    },
  };
};
