// What the methods that read the ledger answer.
import Type, { type Static } from 'typebox';
import type { NamedSchema } from '../../../http/api-method.ts';
import { FIRE_OUTCOMES } from '../../../ledger/entry.ts';

const closed = { additionalProperties: false };
const time = (description: string) => Type.String({ format: 'date-time', description });

const row = {
  seq: Type.Integer({ description: 'The number of this row in the ledger.' }),
  kind: Type.Enum(['fire', 'attempt', 'binding'], {
    description:
      'An attempt is one try of a fire that did not end it. A binding of a hook became active, or was refused, as `detail` says.',
  }),
  outcome: Type.Optional(Type.Enum([...FIRE_OUTCOMES], { description: 'What became of the fire; others have none.' })),
  hookGroupId: Type.String(),
  hookId: Type.String(),
  revision: Type.Optional(Type.Integer({ description: 'The revision of the hook when it met the event.' })),
  cause: Type.Optional(Type.String({ description: 'With the hook, the identity of the fire.' })),
  firedBy: Type.Optional(Type.String()),
  taskId: Type.Optional(Type.String()),
  arrived: time('When the event came in, or was due.'),
  ended: time('When the outcome was known.'),
  attempts: Type.Integer({ description: 'How many were made to create the task.' }),
  clientId: Type.Optional(Type.String()),
  requestId: Type.String(),
  reason: Type.Optional(Type.String({ description: 'Why there is no task; at most 1,000 characters.' })),
  detail: Type.Optional(
    Type.Unknown({
      description:
        'For what was missed: first, last and count. For a message: where it came from. For a delivery: which webhook, and the check that failed. For a binding: which, and how it is.',
    }),
  ),
};

const fireRow = Type.Object(row, closed);
export type FireRow = Static<typeof fireRow>;

export const SEARCH_FIRES_RESPONSE: NamedSchema = {
  name: 'search-fires-response',
  schema: Type.Object(
    {
      fires: Type.Array(fireRow, { description: 'Newest first.' }),
      continuationToken: Type.Optional(Type.String({ description: 'Leads to what is older.' })),
      lookedUntil: Type.Optional(
        time(
          'There when the time for one page was up: what is older was not looked at yet. Go on with the continuationToken.',
        ),
      ),
    },
    closed,
  ),
};

const STEPS = ['verified', 'matched', 'validated', 'rendered', 'authorized', 'created'] as const;
const step = Type.Object(
  {
    step: Type.Enum([...STEPS], {
      description:
        'The caller was verified; the message matched a binding, or the delivery the condition of its webhook; the payload was validated with the trigger schema; the template was ' +
        'rendered; the role of the hook was found to be enough for the task; the task was created.',
    }),
    verdict: Type.Enum(['passed', 'not needed', 'failed', 'declined', 'limited', 'not reached', 'not known']),
    reason: Type.Optional(Type.String()),
  },
  closed,
);
export type Step = Static<typeof step>;
export type StepName = (typeof STEPS)[number];

const attempt = Type.Object(
  { seq: Type.Integer(), at: time('When it had failed.'), reason: Type.Optional(Type.String()) },
  closed,
);
const replay = Type.Object(
  { seq: Type.Integer(), outcome: Type.Optional(Type.String()), taskId: Type.Optional(Type.String()) },
  closed,
);

const payload = Type.Object(
  {
    value: Type.Optional(Type.Unknown({ description: 'As the hook got it, where it is JSON and kept whole.' })),
    text: Type.Optional(
      Type.String({ description: 'Its text, or the beginning of it, where it is no JSON or not kept whole.' }),
    ),
    context: Type.Object({}, { description: 'What the template saw beside it, and where it came from.' }),
    bytes: Type.Integer({ description: 'As it came.' }),
    isWhole: Type.Boolean(),
    isRedacted: Type.Boolean({ description: 'Something was taken out before it was kept.' }),
  },
  closed,
);

const explanation = Type.Object(
  {
    ...row,
    error: Type.Optional(Type.Unknown({ description: 'Why there is no task, all of it.' })),
    hook: Type.Enum(['the same', 'changed', 'made anew', 'removed', 'not known'], {
      description: 'What became of the hook since.',
    }),
    steps: Type.Array(step, { description: 'What the event passed, in order; empty for what is no fire.' }),
    tries: Type.Array(attempt, { description: 'Attempts that ended nothing, oldest first, at most 100.' }),
    taskState: Type.Optional(Type.String({ description: 'The state of the task, as the queue says.' })),
    replayedFrom: Type.Optional(Type.Integer({ description: 'The fire of which this one is a repetition.' })),
    replayedInto: Type.Array(replay, { description: 'Fires that were made of this one, at most 100.' }),
    payloadIs: Type.Enum(['shown', 'not kept', 'not yours to read'], {
      description: 'To read it takes `hooks:get-payload:<hookGroupId>/<hookId>`.',
    }),
    payload: Type.Optional(payload),
  },
  closed,
);
export type Explanation = Static<typeof explanation>;
export const FIRE_RESPONSE: NamedSchema = { name: 'fire-response', schema: explanation };
