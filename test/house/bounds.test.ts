// The bounds that docs/operations.md, docs/security.md and docs/community.md name are those of the
// code: whoever changes one is led here.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { ALL_APIS } from '../../scripts/generating/all-apis.ts';
import { SMALL_BODY_BYTES, sizeText } from '../../src/http/bodies/body.ts';
import { DEFAULT_LIMITS } from '../../src/task-hooks/evaluation/pool.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const operations = read('docs/operations.md').replace(/^[\s\S]*\n## Limits\n/, '');
const security = read('docs/security.md').replace(/^[\s\S]*\n## What one request can cost\n/, '');

const KB = 1024;
const MB = 1024 * KB;
const MINUTE = 60 * 1000;
const DAY = 24 * 60 * MINUTE;

/** File, constant, value, and what the page says. */
const BOUNDS: readonly (readonly [string, string, number, string])[] = [
  [
    'src/http/bodies/body.ts',
    'BODY_LIMIT_BYTES',
    10 * MB,
    '| body, as sent and decompressed | 10 MB, nested at most 500 deep;',
  ],
  ['src/http/bodies/json-structure.ts', 'DEEPEST_BODY', 500, 'nested at most 500 deep'],
  ['src/http/server.ts', 'REQUEST_TIMEOUT_MS', 5 * MINUTE, '| time to send it | 5 minutes |'],
  ['src/task-hooks/api/api.ts', 'LONGEST_PAGE', 1_000, '| a page of a list | 1,000 |'],
  ['src/auth/signatures/replays.ts', 'CLOCK_SKEW_MS', 15 * MINUTE, '15 minutes off at most'],
  ['src/auth/signatures/replays.ts', 'REPLAYS_KEPT', 2_000_000, 'to 2,000,000 signatures'],
  ['src/auth/signatures/certificate.ts', 'LONGEST_MS', 31 * DAY, '| temporary credentials | 31 days |'],
  ['src/task-hooks/api/declaration.ts', 'DEFINITION_BYTES', MB, '| all of it, as JSON | 1 MB |'],
  ['src/task-hooks/api/check-definition.ts', 'MOST_PATTERNS', 1_000, '; 1,000 patterns |'],
  ['src/task-hooks/api/check-definition.ts', 'MOST_BINDINGS', 250, '; 250 bindings |'],
  ['src/task-hooks/evaluation/json-e/render.ts', 'MOST_STEPS', 100_000, 'a budget of 100,000 steps'],
  ['src/task-hooks/evaluation/evaluate.ts', 'LARGEST_TASK_BYTES', 10 * MB, '| the rendered task | 10 MB |'],
  ['src/task-hooks/firing/fire-call.ts', 'PATIENCE_MS', 10_000, '| how long a caller waits | 10 s,'],
  ['src/task-hooks/firing/attempt.ts', 'ATTEMPT_DEADLINE_MS', 30_000, '| one attempt | 30 s |'],
  ['src/task-hooks/firing/fire-runner.ts', 'LEASE_MS', 15_000, '| lease of a process that has died | 15 s |'],
  ['src/task-hooks/firing/fire-runner.ts', 'MOST_UNDER_WAY', 500, '| under way in one process | 500,'],
  ['src/task-hooks/firing/fire-runner.ts', 'MOST_UNDER_WAY_OF_A_HOOK', 50, 'of one hook 50;'],
  ['src/task-hooks/firing/fire-runner.ts', 'MOST_WAITING_BYTES', 32 * MB, 'what waits in memory, 32 MB'],
  ['src/broker/rabbitmq/consuming/read-throttle.ts', 'MOST_BYTES_IN_FLIGHT', 64 * MB, '64 MB; more is not read'],
  ['src/task-hooks/messages/rejections.ts', 'MOST_OF_THEIR_OWN', 5, '5 rows of their own'],
  ['src/ledger/retention.ts', 'DEFAULT_DAYS', 400, '| the ledger | 400 days'],
  ['src/auth/request-checks.ts', 'LONGEST_CLIENT_ID', 2_000, '| clientId; roleId | 2,000; 2,500 characters |'],
  ['src/auth/roles/role-writer.ts', 'LONGEST_ROLE_ID', 2_500, '2,500 characters'],
  ['src/auth/schemas.ts', 'MOST_SCOPES', 10_000, '| scopes in a request | 10,000 |'],
  ['src/queue/standalone/tasks/task-definition.ts', 'DRIFT_MS', 15 * MINUTE, '| 15 minutes from now; 5 days |'],
  ['src/queue/standalone/tasks/task-definition.ts', 'LONGEST_DEADLINE_MS', 5 * DAY, '; 5 days |'],
  ['src/queue/standalone/tasks/transitions.ts', 'MOST_RUNS', 50, '| runs of a task; a claim | 50; 20 minutes'],
  ['src/queue/standalone/claims/work-requests.ts', 'LONGEST_WAIT_MS', 20_000, '| `claimWork` waits | 20 s |'],
  ['src/task-hooks/firing/failure-mail.ts', 'QUIET_MS', 60 * MINUTE, '| mail of a hook | one an hour;'],
  ['src/mail/outgoing-mail.ts', 'GIVE_UP_MS', DAY, 'tried for 24 hours |'],
  ['src/airlock/sessions/sessions.ts', 'IDLE_SECONDS', 7 * 24 * 3600, '| a session | 7 days after its last use;'],
  ['src/airlock/sessions/sessions.ts', 'MOST_OF_SHIP', 1_000, '; 1,000 of a ship |'],
  ['src/airlock/sessions/login-attempts.ts', 'MOST_OF_ADDRESS', 30, '| 30 from one address,'],
  ['src/airlock/sessions/login-attempts.ts', 'MOST_IN_ALL', 600, ', 600 in all |'],
  ['src/airlock/channels/channels.ts', 'MOST_OF_SESSION', 50, '| channels in use | 50 of a session,'],
  ['src/airlock/channels/channels.ts', 'MOST_OF_SHIP', 200, ', 200 of a ship |'],
  ['src/airlock/channels/channels.ts', 'MOST_WAITING', 4 * MB, '; 1,000 in 4 MB |'],
  ['src/airlock/channels/channels.ts', 'CLOGGED_MS', 2 * MINUTE, 'without a confirmation for two minutes |'],
  ['src/airlock/channels/channels.ts', 'CLOGGED_FACTS', 50, '| 50, then the subscription ends |'],
  ['src/airlock/channels/channel.ts', 'EXPIRY_MS', 5 * MINUTE, '| a channel without a stream | 5 minutes;'],
  ['src/airlock/channels/channel.ts', 'EXPIRY_AFTER_ACK_MS', DAY / 2, '; 12 hours when its client has confirmed'],
  ['src/airlock/channels/channel.ts', 'MOST_EVENTS', 4_000, '| events that wait for a client | 4,000 or'],
  ['src/airlock/channels/channel.ts', 'LARGEST', 4 * MB, 'or 4 MB, then its channel ends |'],
  ['src/airlock/channels/perform.ts', 'MOST_SUBSCRIPTIONS', 300, '| 300, 3,000;'],
  ['src/airlock/channels/perform.ts', 'MOST_SUBSCRIPTIONS_OF_SHIP', 3_000, '| 300, 3,000;'],
  ['src/airlock/channels/perform.ts', 'LONGEST_PATH', 1_000, '| 300, 3,000; 1,000 characters |'],
  ['src/airlock/channels/action.ts', 'MOST_ACTIONS', 1_000, '| 1,000 in 1 MB; 1,000 in 4 MB |'],
  ['src/database/embedded/settings.ts', 'MAX_CONNECTIONS', 40, '| connections of the embedded PostgreSQL | 40 |'],
];

/** `15 * 60 * 1000`, `3_600_000`. */
const numberOf = (expression: string): number =>
  expression.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '').trim()), 1);

const OF_THE_AIRLOCK: typeof BOUNDS = [
  ['src/airlock/agents/settings/change-settings.ts', 'LARGEST_SETTINGS', 256 * KB, 'has at most 256 KB for each ship'],
  ['src/community/contacts/contact-store.ts', 'LARGEST_BOOK', 4 * MB, 'Of a book of more than 4 MB'],
  ['src/community/contacts/suggested-contacts.ts', 'MOST_SUGGESTED', 50, '50 at most.'],
];

const OF_A_REQUEST: typeof BOUNDS = [
  ['src/http/bodies/body.ts', 'SMALL_BODY_BYTES', 100 * KB, 'who calls | 100 KB are read |'],
  ['src/http/bodies/body.ts', 'BODY_LIMIT_BYTES', 10 * MB, '10 MB for triggers, tasks and messages'],
  ['src/auth/api/declaration.ts', 'SCOPES_BYTES', MB, '1 MB where it names scopes'],
  ['src/task-hooks/api/declaration.ts', 'DEFINITION_BYTES', MB, 'defines a hook or tries one;'],
  ['src/core/clock.ts', 'LARGE', 100 * KB, '| a task or message of more than 100 KB |'],
  ['src/database/batch.ts', 'MOST_BYTES', MB, '| after the one with which they have 1 MB together,'],
  ['src/http/bodies/json-structure.ts', 'MOST_VALUES', 120_000, '| 120,000 values,'],
  ['src/http/bodies/json-structure.ts', 'MOST_KEYS', 25_000, '25,000 keys, counted as they arrive'],
  ['src/http/bodies/json-structure.ts', 'DEEPEST_BODY', 500, '| 500 levels |'],
  ['src/http/bodies/receive-body.ts', 'MOST_PIECES', 25_000, '| 25,000 as it is sent,'],
  ['src/http/bodies/body-budget.ts', 'MOST_BODY_BYTES', 32 * MB, '| 32 MB; others wait,'],
  ['src/http/bodies/body-budget.ts', 'LONGEST_WAIT_MS', 30_000, 'up to 30 s, then 503'],
  ['src/http/validation.ts', 'MOST_EXPLAINED', 2_000, 'more than 2,000 values;'],
  ['src/http/cut.ts', 'MOST_TOLD', 10, 'ten errors are told'],
  ['src/http/api-error.ts', 'LONGEST_MESSAGE', 8_000, '| 8,000 characters;'],
  ['src/task-hooks/evaluation/evaluate.ts', 'LONGEST_REASON', 8_000, 'in the ledger | 8,000 characters |'],
  ['src/http/scope-check.ts', 'MOST_TOLD', 50, '; 50 scopes of a list |'],
  ['src/http/serve-api.ts', 'LARGEST_ECHO', 8 * KB, '| 8 KB; of a larger one'],
  ['src/http/serve-api.ts', 'LONGEST_CUT_ECHO', 2_000, '2,000 bytes, and that it was cut'],
  ['src/http/send-json.ts', 'LARGEST_INDENTED', 32 * KB, '| none beyond 32 KB,'],
  ['src/http/send-json.ts', 'MOST_GROWTH', 8, 'more than eight times'],
  ['src/airlock/serving/bodies.ts', 'LARGEST_JSON_BYTES', MB, '| a body at the airlock | 1 MB for actions,'],
  ['src/airlock/channels/action.ts', 'MOST_ACTIONS', 1_000, 'at most 1,000, and for threads'],
  ['src/airlock/serving/bodies.ts', 'LARGEST_FORM_BYTES', 8 * KB, '8 KB for a login'],
  ['src/community/api/declaration.ts', 'LARGEST_ACT_BYTES', 512 * KB, '512 KB for what a ship does'],
  ['src/script-hooks/api/declaration.ts', 'SOURCE_BYTES', 4 * MB, '4 MB for scripts'],
  ['src/script-hooks/hoon-source.ts', 'MOST_LINES', 50_000, 'at most 50,000 lines'],
  ['src/script-hooks/library/bounds.ts', 'LARGEST_LIBRARY', 16 * MB, '16 MB of all scripts together'],
  ['src/task-hooks/hooks/hook-store.ts', 'LARGEST_PAGE', MB, 'are read up to 1 MB at a time'],
  ['src/queue/standalone/tasks/task-store.ts', 'LARGEST_PAGE', 4 * MB, 'at most 4 MB of definitions, or one task'],
  ['src/script-hooks/api/api.ts', 'MOST_TRIALS', 2, '| trials of scripts | two at a time |'],
];

const OF_THE_HOSTILE: typeof BOUNDS = [
  ['src/task-hooks/evaluation/json-e/render.ts', 'MOST_STEPS', 100_000, 'a budget of 100,000 steps'],
  ['src/task-hooks/evaluation/evaluate.ts', 'LARGEST_TASK_BYTES', 10 * MB, 'the task is at most 10 MB'],
  ['src/task-hooks/evaluation/schemas/schema-cost.ts', 'MOST_KEYWORDS_HERE', 300, 'at most 300 keywords'],
  ['src/task-hooks/evaluation/schemas/schema-cost.ts', 'LARGEST_SCHEMA_HERE', 64 * KB, 'in 64 KB of schema'],
  [
    'src/task-hooks/evaluation/schemas/schema-cost.ts',
    'LARGEST_PROGRAMS_HERE',
    2_000,
    'patterns of 2,000 instructions together',
  ],
  ['src/task-hooks/evaluation/schemas/schema-cost.ts', 'MOST_VALUES_HERE', 5_000, '; 5,000 values, also of'],
  ['src/task-hooks/evaluation/schemas/schema-cost.ts', 'MOST_NAMING_HERE', 16 * KB, '; 16 Ki of names and references'],
  ['src/task-hooks/evaluation/schemas/schema-cost.ts', 'MOST_STEPS_HERE', MB, 'at most 1 Mi of'],
  ['src/task-hooks/evaluation/schemas/trigger-schema.ts', 'MOST_ERRORS_TOLD', 20, '| twenty are told;'],
  ['src/task-hooks/evaluation/schemas/trigger-schema.ts', 'LARGEST_CHECK_FOR_ALL_ERRORS', 8 * MB, 'and 8 Mi of schema'],
  ['src/task-hooks/firing/fire-runner.ts', 'MOST_UNDER_WAY', 500, '| of 500 fires under way in a process,'],
  ['src/task-hooks/firing/fire-runner.ts', 'MOST_UNDER_WAY_OF_A_HOOK', 50, '50 are of one hook'],
  ['src/task-hooks/messages/rejections.ts', 'MOST_OF_THEIR_OWN', 5, 'five rows a minute'],
  ['src/broker/in-database/topic-table.ts', 'MOST_STEPS', 20_000, 'costs 20,000 steps in the tree'],
  ['src/script-hooks/hosting/run-writer.ts', 'DEEPEST_EFFECT', 8, 'after eight effects in a chain'],
  ['src/script-hooks/hosting/run-writer.ts', 'MOST_CAUSED', 10_000, 'more than 10,000 that come of one event'],
  ['src/script-hooks/hosting/waits.ts', 'MOST_WAITS', 10_000, '; 10,000 wake-ups of a hook wait at most'],
  ['src/airlock/sessions/login-attempts.ts', 'MOST_OF_ADDRESS', 30, 'after 30 failures a minute from one address'],
  ['src/airlock/sessions/login-attempts.ts', 'MOST_IN_ALL', 600, 'or 600 in all, 429'],
  ['src/airlock/channels/channels.ts', 'MOST_OF_SESSION', 50, '50 channels of a session'],
  ['src/airlock/channels/channels.ts', 'MOST_OF_SHIP', 200, '200 of a ship; 4,000 events'],
  ['src/airlock/channels/channel.ts', 'MOST_EVENTS', 4_000, '4,000 events or'],
  ['src/airlock/channels/channel.ts', 'LARGEST', 4 * MB, 'or 4 MB that a client has not confirmed'],
  ['src/airlock/channels/channels.ts', 'LARGEST_IN_ALL', 64 * MB, 'and 64 MB in all'],
  ['src/airlock/channels/channels.ts', 'MOST_WAITING', 4 * MB, '1,000 actions or 4 MB that wait in a channel'],
  ['src/airlock/channels/channels.ts', 'MOST_WAITING_IN_ALL', 32 * MB, '32 MB in all; 300'],
  ['src/airlock/channels/perform.ts', 'MOST_SUBSCRIPTIONS', 300, '300 subscriptions of a channel'],
  ['src/airlock/channels/perform.ts', 'MOST_SUBSCRIPTIONS_OF_SHIP', 3_000, '3,000 of a ship |'],
  ['src/auth/signatures/replays.ts', 'REPLAYS_KEPT', 2_000_000, 'With more than 2,000,000 of them'],
];

const OF_THE_COMMUNITY: typeof BOUNDS = [
  ['src/community/contents.ts', 'LARGEST_CONTENT', 256_000, 'A post or reply has at most 256,000 bytes'],
  ['src/community/contents.ts', 'LARGEST_CONTENT', 256_000, 'A message has at most 256,000 bytes'],
  ['src/community/contents.ts', 'LARGEST_PAGE', 4 * MB, 'of groups, posts and messages about 4 MB'],
  ['src/community/contents.ts', 'LARGEST_THREAD', 4 * MB, 'and 4 MB with all replies\nand reactions;'],
  ['src/community/contents.ts', 'LARGEST_THREAD', 4 * MB, 'and 4 MB with all replies and reactions.'],
  ['src/community/contents.ts', 'LONGEST_REACTION', 256, 'A reaction has 1 to 256 bytes'],
  ['src/community/actions/group-actions.ts', 'LARGEST_GROUP', 4 * MB, 'at most 4 MiB as JSON'],
  ['src/community/actions/group-actions.ts', 'MOST_ROLES', 1_000, '1,000 roles, and as many in `bloc`'],
  ['src/community/actions/group-actions.ts', 'MOST_TOLD', 4_000, 'at most 4,000 of such news'],
  ['src/community/groups/group-change.ts', 'MOST_SHIPS', 1_000, 'One action names at most 1,000 ships'],
  ['src/community/turns/take-turn.ts', 'MOST_REPLIES', 5_000, 'A post has at most 5,000 replies'],
  ['src/community/actions/channel-actions.ts', 'MOST_WRITERS', 1_000, 'at most 1,000 roles that write'],
  ['src/community/channels/membership-store.ts', 'MOST_HIDDEN', 10_000, 'a ship hides at most 10,000 posts'],
  ['src/community/chat/apply-message.ts', 'MOST_REPLIES', 1_000, '256,000 bytes, 1,000 replies'],
  ['src/community/chat/club-act.ts', 'MOST_IN_CLUB', 100, 'A club has at most 100 ships'],
];

const check = (page: string, title: string, bounds: typeof BOUNDS): void => {
  for (const [file, name, value, said] of bounds) {
    const expression = new RegExp(`\\b${name} = ([\\d_ *]+)`).exec(read(file))?.[1];
    assert.ok(expression !== undefined, `${file} has ${name}; if it was renamed, name it here`);
    assert.equal(numberOf(expression), value, `${name} in ${file} is another now: change ${title} and this test`);
    assert.ok(page.includes(said), `${title} says: ${said}`);
  }
};

it('the bounds that docs/operations.md names are those of the code', () => {
  check(operations, 'docs/operations.md', BOUNDS);
});

it('the bounds of the airlock that docs/airlock.md names are those of the code', () => {
  check(read('docs/airlock.md'), 'docs/airlock.md', OF_THE_AIRLOCK);
});

it('the bounds of a request that docs/security.md names are those of the code', () => {
  check(security, 'docs/security.md', OF_A_REQUEST);
});

it('the bounds of what a hostile one can try that docs/security.md names are those of the code', () => {
  check(read('docs/security.md'), 'docs/security.md', OF_THE_HOSTILE);
  const { deadlineMs, memoryMb, mostOfAHook } = DEFAULT_LIMITS;
  assert.deepEqual([deadlineMs, memoryMb, mostOfAHook], [1_000, 256, 500]);
  assert.match(read('docs/security.md'), /; 500 evaluations of one hook wait \|/);
  assert.match(read('docs/security.md'), /with 1 s of a processor and 256 MB,/);
});

it('the sizes of bodies that docs/security.md names are those that methods declare, and no others', () => {
  const [, row = ''] = /\| a body, as sent and decompressed \|([^|]*)\|/.exec(security) ?? [];
  const declared = ALL_APIS.flatMap(({ methods }) => methods.map(({ largestBody }) => largestBody ?? SMALL_BODY_BYTES));
  assert.deepEqual(
    [...row.matchAll(/\d+ [KM]B/g)].map(([size]) => size),
    [...new Set(declared)].sort((left, right) => left - right).map(sizeText),
  );
});

it('the bounds of the community that docs/community.md names are those of the code', () => {
  check(read('docs/community.md'), 'docs/community.md', OF_THE_COMMUNITY);
});
