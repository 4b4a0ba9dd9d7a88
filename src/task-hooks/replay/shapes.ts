// What a replay is asked and what it answers, as the API has them.
import Type, { type Static } from 'typebox';
import type { NamedSchema } from '../../http/api-method.ts';
import { FIRE_OUTCOMES } from '../../ledger/entry.ts';

const USUAL_RATE = 10;
const HIGHEST_RATE = 2_000;

const closed = { additionalProperties: false };
const time = (description?: string) =>
  Type.String({ format: 'date-time', maxLength: 100, ...(description !== undefined && { description }) });

const revision = Type.Enum(['now', 'then'], {
  default: 'now',
  description:
    'Whether the event meets the hook as it is defined now, or as it was when it came. Its authority is that of now.',
});

const uuid = (description: string) => Type.Optional(Type.String({ format: 'uuid', maxLength: 36, description }));

const replayFireRequest = Type.Object(
  {
    as: revision,
    replayId: uuid('You choose it. The same call with it again is answered as the first, and fires nothing.'),
  },
  closed,
);
export type ReplayFireRequest = Static<typeof replayFireRequest>;
export const REPLAY_FIRE_REQUEST: NamedSchema = { name: 'replay-fire-request', schema: replayFireRequest };

const replayFireAnswer = Type.Object({
  cause: Type.String({ description: 'The cause of the new fire: `replay:<seq>:<n>`.' }),
  outcome: Type.Enum([...FIRE_OUTCOMES, 'pending'], {
    description: 'As the ledger has it. `pending`: it is stored, and attempts go on.',
  }),
  taskId: Type.Optional(Type.String({ description: 'The task that was or will be created.' })),
  reason: Type.Optional(Type.String({ description: 'Why there is no task.' })),
});
export type ReplayFireAnswer = Static<typeof replayFireAnswer>;
export const REPLAY_FIRE_RESPONSE: NamedSchema = { name: 'replay-fire-response', schema: replayFireAnswer };

const text = (maxLength: number) => Type.Optional(Type.String({ pattern: '^[\\x20-\\x7e]+$', maxLength }));
const replayFiresRequest = Type.Object(
  {
    hook: Type.Optional(
      Type.String({ pattern: '^[a-zA-Z0-9-_/*]{1,2001}$', description: '`group/id`, with `*` for any characters.' }),
    ),
    outcome: Type.Optional(
      Type.Array(Type.Enum([...FIRE_OUTCOMES]), {
        minItems: 1,
        maxItems: FIRE_OUTCOMES.length,
        description: 'Default: all but `skipped`.',
      }),
    ),
    firedBy: text(40),
    clientId: text(2_000),
    taskId: text(100),
    cause: text(2_000),
    requestId: text(2_000),
    text: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'In the reason.' })),
    since: Type.Optional(time('From then on.')),
    until: Type.Optional(time('Before then.')),
    as: revision,
    rate: Type.Integer({ minimum: 1, maximum: HIGHEST_RATE, default: USUAL_RATE, description: 'Events a second.' }),
    count: Type.Optional(
      Type.Integer({ minimum: 0, description: 'How many events come again, as a first call without it has answered.' }),
    ),
    jobId: uuid('As the first call has answered it. A call that is repeated with it starts no second job.'),
  },
  closed,
);
export type ReplayFiresRequest = Static<typeof replayFiresRequest>;
export const REPLAY_FIRES_REQUEST: NamedSchema = { name: 'replay-fires-request', schema: replayFiresRequest };

const replayFiresAnswer = Type.Object({
  jobId: Type.String(),
  isStarted: Type.Boolean({
    description: 'false: nothing was done. The same call with this count and this jobId does it.',
  }),
  count: Type.Integer({ description: 'How many events come again.' }),
  hooks: Type.Array(Type.Object({ hookGroupId: Type.String(), hookId: Type.String(), count: Type.Integer() })),
});
export type ReplayFiresAnswer = Static<typeof replayFiresAnswer>;
export const REPLAY_FIRES_RESPONSE: NamedSchema = { name: 'replay-fires-response', schema: replayFiresAnswer };

const replayStatus = Type.Object({
  jobId: Type.String(),
  state: Type.Enum(['running', 'done', 'cancelled']),
  as: Type.Enum(['now', 'then']),
  rate: Type.Integer(),
  total: Type.Integer({ description: 'Events that were to come again.' }),
  done: Type.Integer({ description: 'Events that have come again, or cannot.' }),
  outcomes: Type.Record(Type.String(), Type.Integer(), {
    description:
      'How many ended how. `pending`: the fire is stored, and the ledger says how it ends; `not replayed`: the event could not come again.',
  }),
  notReplayed: Type.Array(Type.Object({ seq: Type.Integer(), reason: Type.String() }), {
    description: 'The first of those, and why.',
  }),
  clientId: Type.String({ description: 'Who started it.' }),
  created: time(),
  ended: Type.Optional(time()),
  cancelledBy: Type.Optional(Type.String()),
});
export type ReplayStatus = Static<typeof replayStatus>;
export const REPLAY_STATUS: NamedSchema = { name: 'replay-status', schema: replayStatus };
