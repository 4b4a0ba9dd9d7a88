// What the script-hooks API is sent and what it answers.
import Type, { type TSchema } from 'typebox';
import type { NamedSchema } from '../../http/api-method.ts';
import { RUN_OUTCOMES } from '../library/run-rows.ts';

const closed = { additionalProperties: false } as const;
const nullable = <T extends TSchema>(schema: T) => Type.Union([Type.Null(), schema]);
const time = (description: string) => Type.String({ format: 'date-time', description });
const anything = (description: string) => Type.Unknown({ description });
const named = (name: string, schema: TSchema): NamedSchema => ({ name, schema });

const id = Type.Union([Type.String(), Type.Number()], { description: 'The id of a script hook: `0v…`, or digits.' });
const idText = Type.String({ description: 'The id of a script hook: `0v…`.' });
const nest = Type.String({ description: 'A channel: `chat/~host/name`.' });
const origin = nullable(nest);
const config = Type.Record(Type.String(), Type.Unknown(), {
  description: 'What the script finds in `bowl.config`. Texts that the `tlon` command has jammed (`0w…`) are read.',
});
const meta = Type.Object(
  { title: Type.String(), description: Type.String(), image: Type.String(), cover: Type.String() },
  { ...closed, description: 'What visitors of a channel see of the hook.' },
);
const source = Type.String({ description: 'JavaScript, or a .hoon file around it; at most 1 MiB.' });
const sourceError = nullable(
  Type.String({ description: 'Why the source does not compile, with line and column; `null` when it does.' }),
);
const schedule = Type.Unknown({
  description:
    'An interval (`"~h1"`), which begins at once; `{"next": "~2025.4.1..12.00.00", "repeat": "~d1"}`; or cron patterns in UTC (`"0 * * * *"`, ' +
    '`{"cron": ["0 8 * * 1-5"]}`).',
});
const saidSchedule = Type.Object(
  {
    next: nullable(Type.String({ description: 'When it is due next.' })),
    repeat: Type.Optional(Type.String()),
    cron: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);
const cron = Type.Object({ hook: idText, schedule: saidSchedule, config }, closed);

const set = Type.Object({ id: idText, name: Type.String(), src: Type.String(), meta, error: sourceError }, closed);
const done = {
  set: Type.Optional(set),
  gone: Type.Optional(idText),
  order: Type.Optional(Type.Object({ nest, seq: Type.Array(idText) }, closed)),
  config: Type.Optional(Type.Object({ id: idText, nest, config }, closed)),
  cron: Type.Optional(
    Type.Object(
      { id: idText, origin: Type.String({ description: 'A channel, or `global`.' }), schedule: saidSchedule, config },
      closed,
    ),
  ),
  rest: Type.Optional(Type.Object({ id: idText, origin: Type.String() }, closed)),
};
const response = Type.Object(done, { ...closed, description: 'What was done, under one key.' });

const summary = {
  id: idText,
  name: Type.String(),
  meta,
  error: sourceError,
  running: Type.Union([Type.Literal('src'), Type.Literal('earlier'), Type.Literal('none')], {
    description: 'Which source runs: this one, the last that compiled, or none.',
  }),
  version: Type.Integer({ description: 'One more with every change of what runs.' }),
  onError: Type.Union([Type.Literal('allow'), Type.Literal('deny')], {
    description: 'What becomes of an event when a run fails: it passes, or it is denied.',
  }),
  isEnabled: Type.Boolean(),
  disabledReason: nullable(Type.String()),
  created: time('When it was added.'),
};

const dumpedHook = Type.Object(
  {
    id: idText,
    version: Type.String({ description: 'The version of the format; empty.' }),
    name: Type.String(),
    meta,
    src: Type.String(),
    compiled: Type.Boolean(),
    config: Type.Record(Type.String(), config, { description: 'By channel.' }),
  },
  closed,
);

const entry = {
  id: Type.Integer(),
  time: time('When the event happened.'),
  hook: idText,
  name: nullable(Type.String({ description: 'The name of the hook; `null`: it was deleted.' })),
  hookVersion: Type.Integer(),
  origin: nullable(Type.String({ description: 'The channel; `null` for a global cron.' })),
  src: Type.String({ description: 'The ship that caused the event.' }),
  depth: Type.Integer({ description: 'How many effects led to it; 0: a user did it.' }),
  eventKind: Type.String({ description: '`on-post/add`, `cron` and the like.' }),
  outcome: Type.Union(RUN_OUTCOMES.map((one) => Type.Literal(one))),
  reason: nullable(Type.String({ description: 'Why it was denied, or failed.' })),
  effects: Type.Array(anything('As script-types.md describes them.')),
  failedEffects: Type.Array(
    Type.Object({ index: Type.Integer(), reason: Type.String() }, { description: 'Those that were refused.' }),
  ),
  prints: Type.Array(Type.String()),
  dropped: Type.Array(
    Type.Object({ pointer: Type.String(), reason: Type.String() }, { description: 'What did not count.' }),
  ),
  failure: Type.Optional(anything('When it failed: the kind, where in the source, the calls under way.')),
  changedEvent: Type.Optional(anything('What the hook made of the event, where it changed it.')),
  durationMs: Type.Number(),
  seed: Type.String(),
  isRepeatable: Type.Boolean({ description: 'Whether `replayRun` can repeat it.' }),
};
const run = Type.Object(entry, closed);

export const SCHEMAS = {
  act: named(
    'act-request',
    Type.Object(
      {
        add: Type.Optional(Type.Object({ name: Type.String(), src: source })),
        edit: Type.Optional(
          Type.Object({
            id,
            name: Type.Optional(nullable(Type.String())),
            src: Type.Optional(nullable(source)),
            meta: Type.Optional(nullable(meta)),
          }),
        ),
        del: Type.Optional(id),
        order: Type.Optional(Type.Object({ nest, seq: Type.Array(id) })),
        config: Type.Optional(Type.Object({ id, nest, config })),
        cron: Type.Optional(Type.Object({ id, origin, schedule, config: Type.Optional(nullable(config)) })),
        rest: Type.Optional(Type.Object({ id, origin })),
      },
      { ...closed, minProperties: 1, maxProperties: 1, description: 'One action, under its key.' },
    ),
  ),
  acted: named('act-response', response),
  list: named(
    'list-scripts-response',
    Type.Object(
      { scripts: Type.Array(Type.Object(summary, closed)), continuationToken: Type.Optional(Type.String()) },
      closed,
    ),
  ),
  script: named(
    'script-response',
    Type.Object(
      {
        ...summary,
        src: Type.String(),
        channels: Type.Array(nest, { description: 'Where it runs.' }),
        config: Type.Record(Type.String(), config, { description: 'By channel.' }),
        crons: Type.Record(Type.String(), cron, { description: 'By channel, or `global`.' }),
      },
      closed,
    ),
  ),
  change: named(
    'change-script-request',
    Type.Object(
      {
        isEnabled: Type.Optional(Type.Boolean()),
        reason: Type.Optional(Type.String({ maxLength: 1000, description: 'Why it is disabled.' })),
        onError: Type.Optional(summary.onError),
      },
      closed,
    ),
  ),
  template: named(
    'template',
    Type.Object(
      {
        from: nest,
        hooks: Type.Record(Type.String(), dumpedHook),
        order: Type.Array(idText),
        crons: Type.Array(Type.Unknown({ description: '`[id, {hook, schedule, config}]`' })),
      },
      closed,
    ),
  ),
  setUp: named(
    'set-up-template-request',
    Type.Object({
      from: nest,
      hooks: Type.Record(Type.String(), Type.Unknown()),
      order: Type.Array(id),
      crons: Type.Array(Type.Unknown()),
    }),
  ),
  wasSetUp: named(
    'set-up-template-response',
    Type.Object(
      {
        ids: Type.Record(Type.String(), idText, { description: 'Ids of the template → ids here.' }),
        responses: Type.Array(response, { description: 'What was done, as `act` answers it.' }),
      },
      closed,
    ),
  ),
  preview: named(
    'preview-response',
    Type.Object({ scripts: Type.Array(Type.Object({ name: Type.String(), meta }, closed)) }, closed),
  ),
  runs: named(
    'list-runs-response',
    Type.Object({ runs: Type.Array(run), continuationToken: Type.Optional(Type.String()) }, closed),
  ),
  foundRuns: named(
    'search-runs-response',
    Type.Object(
      {
        runs: Type.Array(run, { description: 'Newest first.' }),
        continuationToken: Type.Optional(Type.String({ description: 'Leads to what is older.' })),
        lookedUntil: Type.Optional(
          Type.String({
            format: 'date-time',
            description: 'There when the time for one page was up: what is older was not looked at yet.',
          }),
        ),
      },
      closed,
    ),
  ),
  run: named(
    'run-response',
    Type.Object({ ...entry, event: anything('As the hook got it; `null`: too large.') }, closed),
  ),
  replayed: named(
    'replay-run-response',
    Type.Object(
      {
        isSame: Type.Boolean({ description: 'Whether the same came out.' }),
        differs: Type.Array(Type.String(), {
          description: 'Which of `outcome`, `event`, `effects`, `state`, `prints`.',
        }),
        outcome: Type.String(),
        reason: nullable(Type.String()),
        effects: Type.Array(Type.Unknown()),
        prints: Type.Array(Type.String()),
        changedEvent: Type.Optional(Type.Unknown()),
      },
      closed,
    ),
  ),
  try: named(
    'try-script-request',
    Type.Object(
      {
        src: source,
        nest,
        last: Type.Integer({ minimum: 1, maximum: 500, default: 100, description: 'How many events, the latest.' }),
        config: Type.Optional(config),
      },
      closed,
    ),
  ),
  tried: named(
    'try-script-response',
    Type.Object(
      {
        from: Type.Union([Type.Literal('runs'), Type.Literal('posts')], {
          description: 'Events that hooks of the channel saw, or its posts as if each came anew.',
        }),
        events: Type.Array(
          Type.Object(
            {
              time: time('When it happened.'),
              ship: Type.String(),
              eventKind: Type.String(),
              outcome: Type.String(),
              reason: nullable(Type.String()),
              changes: Type.Array(Type.String({ description: '`~ /path: old → new`' })),
              effects: Type.Array(Type.Unknown()),
              prints: Type.Array(Type.String()),
              dropped: entry.dropped,
              durationMs: Type.Number({ description: 'It may have had more time than a run has.' }),
            },
            closed,
          ),
          { description: 'Oldest first.' },
        ),
        state: anything('What the state would be, having begun with `null`.'),
        endedEarly: nullable(Type.String({ description: 'Why not all events were tried.' })),
      },
      closed,
    ),
  ),
} as const satisfies Record<string, NamedSchema>;
