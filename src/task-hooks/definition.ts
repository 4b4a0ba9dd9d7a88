// What a task hook is: the shapes that clients send and read.
import Type, { type Static } from 'typebox';
import type { NamedSchema } from '../http/api-method.ts';

export const HOOK_GROUP_ID = /^[a-zA-Z0-9-_]{1,1000}$/;
export const HOOK_ID = /^[a-zA-Z0-9-_/]{1,1000}$/;

const metadata = Type.Object(
  {
    name: Type.String({ maxLength: 255 }),
    description: Type.String({ maxLength: 32768 }),
    owner: Type.String({ format: 'email', maxLength: 255 }),
    emailOnError: Type.Boolean({ default: true }),
  },
  { additionalProperties: false },
);

const binding = Type.Object(
  { exchange: Type.String({ maxLength: 255 }), routingKeyPattern: Type.String({ maxLength: 255 }) },
  { additionalProperties: false },
);

/**
 * More is not compared, one with each other, to find that two are equal. How many a hook may have
 * is told by check-definition.ts.
 */
const MOST_COMPARED = { bindings: 500, patterns: 10_000 };

/** A hook without data: what it does when it fires. */
const content = {
  metadata,
  task: Type.Object({}, { description: 'A JSON-e template that renders to a task definition.' }),
  bindings: Type.Array(binding, { uniqueItems: true, maxItems: MOST_COMPARED.bindings }),
  schedule: Type.Array(Type.String({ maxLength: 255 }), {
    uniqueItems: true,
    maxItems: MOST_COMPARED.patterns,
    default: [],
  }),
  triggerSchema: Type.Object({}, { default: { type: 'object', additionalProperties: false } }),
};

export const createHookRequest = Type.Object(
  {
    ...content,
    bindings: Type.Optional(content.bindings),
    hookGroupId: Type.Optional(Type.String()),
    hookId: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

const hookDefinition = Type.Object(
  { ...content, hookGroupId: Type.String(), hookId: Type.String() },
  { additionalProperties: false },
);

/** As validated: defaults are filled in. */
export type CreateHookRequest = Static<typeof createHookRequest>;
export type HookDefinition = Static<typeof hookDefinition>;

export const CREATE_HOOK_REQUEST: NamedSchema = { name: 'create-hook-request', schema: createHookRequest };
export const HOOK_DEFINITION: NamedSchema = { name: 'hook-definition', schema: hookDefinition };
export const LIST_HOOK_GROUPS_RESPONSE: NamedSchema = {
  name: 'list-hook-groups-response',
  schema: Type.Object({ groups: Type.Array(Type.String()) }),
};
export const LIST_HOOKS_RESPONSE: NamedSchema = {
  name: 'list-hooks-response',
  schema: Type.Object({ hooks: Type.Array(hookDefinition) }),
};
export const TRIGGER_HOOK_REQUEST: NamedSchema = {
  name: 'trigger-hook',
  schema: Type.Object({}, { description: 'What the trigger schema of the hook admits.' }),
};
export const TRIGGER_HOOK_RESPONSE: NamedSchema = {
  name: 'trigger-hook-response',
  schema: Type.Object({
    taskId: Type.Optional(Type.String()),
    status: Type.Optional(Type.Object({ taskId: Type.String() })),
  }),
};
export const TRIGGER_TOKEN_RESPONSE: NamedSchema = {
  name: 'trigger-token-response',
  schema: Type.Object({ token: Type.String() }),
};

const time = Type.String({ format: 'date-time' });

/** `lastFire` is one of three, told apart by `result`. */
const hookStatus = Type.Object({
  lastFire: Type.Union([
    Type.Object({ result: Type.Literal('no-fire') }),
    Type.Object({ result: Type.Literal('success'), taskId: Type.String(), time }),
    Type.Object({ result: Type.Literal('error'), error: Type.Object({}), time }),
  ]),
  nextScheduledDate: Type.Optional(time),
  warnings: Type.Optional(
    Type.Array(Type.String(), {
      description: 'What keeps this hook from firing as its definition suggests, and the cure.',
    }),
  ),
  bindings: Type.Optional(
    Type.Array(
      Type.Object({
        exchange: Type.String(),
        routingKeyPattern: Type.String(),
        state: Type.Enum(['active', 'pending', 'refused'], {
          description:
            'Messages come only by active ones. Refused ones are tried again; pending ones were not tried yet.',
        }),
        reason: Type.Optional(Type.String({ description: 'Why it is refused, and what to do.' })),
        since: time,
      }),
      { description: 'How the bindings of this hook stand at the broker; absent when it has none.' },
    ),
  ),
});
export type HookStatus = Static<typeof hookStatus>;
export const HOOK_STATUS: NamedSchema = { name: 'hook-status', schema: hookStatus };

const lastFire = Type.Object({
  hookGroupId: Type.String(),
  hookId: Type.String(),
  firedBy: Type.Enum(['schedule', 'triggerHook', 'triggerHookWithToken', 'pulseMessage']),
  taskId: Type.String(),
  taskCreateTime: time,
  result: Type.Enum(['success', 'error']),
  error: Type.String({ description: 'JSON; empty when there was none.' }),
  taskState: Type.Enum(['unknown', 'unscheduled', 'pending', 'running', 'completed', 'failed', 'exception']),
});
export type LastFire = Static<typeof lastFire>;
export const LIST_LAST_FIRES_RESPONSE: NamedSchema = {
  name: 'list-lastFires-response',
  schema: Type.Object({ lastFires: Type.Array(lastFire), continuationToken: Type.Optional(Type.String()) }),
};

const fireRecord = Type.Object(
  {
    kind: Type.Enum(['fire', 'attempt'], { description: 'An attempt is one try of a fire that did not end it.' }),
    outcome: Type.Optional(
      Type.Enum(['created', 'declined', 'rejected', 'failed', 'exhausted', 'missed', 'limited', 'skipped'], {
        description: 'What became of the fire; attempts have none.',
      }),
    ),
    firedBy: Type.String(),
    taskId: Type.Optional(Type.String()),
    arrived: Type.String({ format: 'date-time', description: 'When the event came in, or was due.' }),
    ended: Type.String({ format: 'date-time', description: 'When the outcome was known.' }),
    attempts: Type.Integer({ description: 'How many were made to create the task.' }),
    clientId: Type.Optional(Type.String()),
    requestId: Type.String(),
    error: Type.Optional(Type.Unknown({ description: 'Why there is no task.' })),
    detail: Type.Optional(
      Type.Unknown({
        description:
          'For what was missed: first, last and count (`atLeast`: there were more). For a message: where it came from. For what came by a ' +
          'webhook: its name. For what was skipped: `because`.',
      }),
    ),
  },
  { additionalProperties: false },
);
export type FireRecord = Static<typeof fireRecord>;
const pendingFire = Type.Object({
  firedBy: Type.String(),
  taskId: Type.String(),
  arrived: Type.String({ format: 'date-time', description: 'When the event came in, or was due.' }),
  attempts: Type.Integer({ description: 'How many were made and have failed.' }),
  givesUp: Type.String({ format: 'date-time', description: 'No attempt begins after it.' }),
  clientId: Type.Optional(Type.String()),
  requestId: Type.String(),
  error: Type.Optional(Type.Unknown({ description: 'Why the last attempt made no task.' })),
});
export type PendingFire = Static<typeof pendingFire>;
export const LIST_FIRES_RESPONSE: NamedSchema = {
  name: 'list-fires-response',
  schema: Type.Object({
    fires: Type.Array(fireRecord),
    pending: Type.Optional(
      Type.Array(pendingFire, {
        description: 'With the first page: the newest fires, at most 100, that are stored and have no outcome yet.',
      }),
    ),
    continuationToken: Type.Optional(Type.String()),
  }),
};

export type HookName = { readonly hookGroupId: string; readonly hookId: string };

/** A hook as it is stored. */
export type Hook = {
  /** This incarnation: a hook of the same name made later has another. */
  readonly uid: string;
  /** Grows with every edit. */
  readonly revision: number;
  readonly definition: HookDefinition;
  /** The trigger token (trigger-token.ts); undefined while nobody has asked for it. */
  readonly sealedToken: Buffer | undefined;
};

export type HookRevision = Pick<Hook, 'uid' | 'revision'>;

/** The only authority with which a hook's tasks are created. */
export const hookRole = ({ hookGroupId, hookId }: HookName): string => `hook-id:${hookGroupId}/${hookId}`;
