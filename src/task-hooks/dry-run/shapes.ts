// What a dry run is asked and what it answers, as the API has them.
import Type, { type Static } from 'typebox';
import { SLUG_ID } from '../../core/ids.ts';
import type { NamedSchema } from '../../http/api-method.ts';
import { FIRE_OUTCOMES } from '../../ledger/entry.ts';
import { createHookRequest, HOOK_GROUP_ID, HOOK_ID } from '../definition.ts';

/** The last events on which a definition is tried. */
const MOST_TRIED = 20;

const time = (description?: string) =>
  Type.String({ format: 'date-time', maxLength: 100, ...(description !== undefined && { description }) });

const event = {
  firedBy: Type.Optional(
    Type.Enum(['schedule', 'triggerHook', 'triggerHookWithToken', 'pulseMessage'], {
      description: 'Default: `triggerHook`. Left out with `seq`.',
    }),
  ),
  payload: Type.Optional(Type.Unknown({ description: 'Left out with `seq`, and for `schedule`.' })),
  webhook: Type.Optional(
    Type.Object({}, { description: 'What the template sees as `webhook`, of a delivery that came by one.' }),
  ),
  seq: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'A fire of this hook, by its number in the ledger: the event as it was kept.',
    }),
  ),
  now: Type.Optional(time('What the template takes for the present. Default: the present.')),
  taskId: Type.Optional(Type.String({ pattern: SLUG_ID.source, description: 'Default: a new one.' })),
};

const renderHookRequest = Type.Object(event, { additionalProperties: false });
export type RenderHookRequest = Static<typeof renderHookRequest>;
export const RENDER_HOOK_REQUEST: NamedSchema = { name: 'render-hook-request', schema: renderHookRequest };

const definition = Type.Object(createHookRequest.properties, {
  additionalProperties: false,
  description: 'As for `createHook`.',
});

const renderDefinitionRequest = Type.Object(
  {
    ...event,
    hookGroupId: Type.String({ pattern: HOOK_GROUP_ID.source }),
    hookId: Type.String({ pattern: HOOK_ID.source }),
    definition,
  },
  { additionalProperties: false },
);
export type RenderDefinitionRequest = Static<typeof renderDefinitionRequest>;
export const RENDER_DEFINITION_REQUEST: NamedSchema = {
  name: 'render-definition-request',
  schema: renderDefinitionRequest,
};

const renderLastRequest = Type.Object(
  {
    definition,
    most: Type.Integer({ minimum: 1, maximum: MOST_TRIED, default: MOST_TRIED }),
    outcome: Type.Optional(Type.Enum([...FIRE_OUTCOMES], { description: 'Only events that ended so.' })),
  },
  { additionalProperties: false },
);
export type RenderLastRequest = Static<typeof renderLastRequest>;
export const RENDER_LAST_REQUEST: NamedSchema = { name: 'render-last-request', schema: renderLastRequest };

const outcome = Type.Enum(
  ['created', 'pending', 'declined', 'rejected', 'failed', 'limited', 'exhausted', 'conflict'],
  {
    description:
      'As the ledger would have it. `pending`: it would be stored, and tried again; `conflict`: the taskId was used before with another payload.',
  },
);
const error = Type.Object(
  { code: Type.String(), message: Type.String() },
  { description: 'What a caller who triggers the hook would be answered.' },
);

const renderAnswer = Type.Object({
  outcome,
  firedBy: Type.String(),
  taskId: Type.String(),
  now: time(),
  evaluatedIn: Type.Enum(['server', 'process'], {
    description:
      'Whether it is evaluated where the event arrives, or in a process of its own because it may be costly.',
  }),
  schema: Type.Optional(
    Type.Object(
      {
        fits: Type.Boolean(),
        problems: Type.Optional(
          Type.Array(
            Type.Object({
              problem: Type.String(),
              pointer: Type.Optional(Type.String({ description: 'A JSON pointer into the payload.' })),
            }),
          ),
        ),
      },
      { description: 'The verdict of the trigger schema; absent when there is no payload, or none was reached.' },
    ),
  ),
  template: Type.Optional(
    Type.Object(
      { problem: Type.String(), place: Type.Optional(Type.String()) },
      { description: 'Why the template does not render, and where.' },
    ),
  ),
  task: Type.Optional(Type.Object({}, { description: 'As rendered. Absent when it is larger than 256 KB.' })),
  taskBytes: Type.Optional(Type.Integer({ description: 'The size of the task as JSON.' })),
  queue: Type.Optional(
    Type.Object({
      accepts: Type.Boolean(),
      unchecked: Type.Optional(Type.String({ description: 'What cannot be known before the task is created.' })),
    }),
  ),
  missingScopes: Type.Optional(Type.Unknown({ description: 'What the role of the hook lacks: a scope expression.' })),
  isRedacted: Type.Optional(Type.Boolean({ description: 'The kept event is not all that the hook was given.' })),
  error: Type.Optional(error),
});
export type RenderAnswer = Static<typeof renderAnswer>;
export const RENDER_RESPONSE: NamedSchema = { name: 'render-response', schema: renderAnswer };

const comparison = Type.Object({
  seq: Type.Integer({ description: 'The number of the fire in the ledger.' }),
  arrived: time(),
  verdict: Type.Enum(['same', 'changed', 'worse'], {
    description: '`worse`: the saved definition makes a task of it, or declines; this one does not.',
  }),
  was: outcome,
  is: outcome,
  error: Type.Optional(error),
  diff: Type.Optional(
    Type.Array(Type.String(), {
      description: 'What differs in the tasks: `~ /path: old → new`, `+ /path: new`, `- /path: old`.',
    }),
  ),
});
export type Comparison = Static<typeof comparison>;
const renderLastAnswer = Type.Object({
  events: Type.Array(comparison, { description: 'Newest first.' }),
  notKept: Type.Integer({
    description: 'How many of the events that were looked at could not be tried: not kept, or not whole.',
  }),
  isCut: Type.Optional(Type.Boolean({ description: 'Trying took too long; older events were not tried.' })),
});
export type RenderLastAnswer = Static<typeof renderLastAnswer>;
export const RENDER_LAST_RESPONSE: NamedSchema = { name: 'render-last-response', schema: renderLastAnswer };

const whyNotRequest = Type.Object(
  {
    exchange: Type.Optional(
      Type.String({ maxLength: 255, description: 'The exchange of a message; together with `routingKey`.' }),
    ),
    routingKey: Type.Optional(Type.String({ maxLength: 255 })),
    at: Type.Optional(time('When the schedule of the hook was, or is, to fire.')),
  },
  { additionalProperties: false },
);
export type WhyNotRequest = Static<typeof whyNotRequest>;
export const WHY_NOT_REQUEST: NamedSchema = { name: 'why-not-request', schema: whyNotRequest };

const whyNotAnswer = Type.Object({
  reaches: Type.Boolean({ description: 'Whether such an event leads, or led, to a fire of this hook.' }),
  endedAt: Type.Optional(
    Type.Enum(['hook', 'binding', 'broker', 'schedule', 'scheduler'], { description: 'The step at which it ends.' }),
  ),
  reason: Type.String({ description: 'What is so, and what to do about it.' }),
  steps: Type.Array(Type.Object({ step: Type.String(), passed: Type.Boolean(), what: Type.String() }), {
    description: 'In order, up to the one at which it ends.',
  }),
  nearest: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Bindings of the hook to that exchange, or occurrences around that time.',
    }),
  ),
  seq: Type.Optional(
    Type.Integer({ description: 'The number in the ledger of the fire, or of what was recorded in its place.' }),
  ),
  outcome: Type.Optional(Type.String({ description: 'What became of it.' })),
});
export type WhyNotAnswer = Static<typeof whyNotAnswer>;
export const WHY_NOT_RESPONSE: NamedSchema = { name: 'why-not-response', schema: whyNotAnswer };
