// What went wrong, for the person at the terminal: first what, then where, then what to do. And the
// exit status for scripts.
import { ApiCallError } from '#client';
import { OperatorError, type OperatorErrorCode } from '../../core/errors.ts';
import { FIRE_OUTCOMES } from '../../ledger/entry.ts';
import { EXIT_STATUS } from './exit-status.ts';
import { SLUG_ID_IN_WORDS } from './input/require-id.ts';
import { printable } from './output.ts';

export type Explained = {
  readonly code: string;
  /** What is wrong, in one line without a full stop. */
  readonly what: string;
  /** More of what the server said. */
  readonly more: readonly string[];
  readonly where: string | undefined;
  readonly cure: string | undefined;
  readonly status: number;
};

/**
 * At what, and as whom: `hook my-group/my-hook`, `http://127.0.0.1:8080 as root`. Filled in as it
 * becomes known.
 */
export type Circumstances = {
  readonly subject?: string | undefined;
  readonly server?: string | undefined;
  /** What the command itself advises. */
  readonly cure?: string | undefined;
};

/** undefined: nobody foresaw this error. */
export const explainError = (error: unknown, circumstances: Circumstances): Explained | undefined => {
  if (error instanceof ApiCallError) return explainAnswer(error, circumstances);
  if (!(error instanceof OperatorError)) return undefined;
  const status = OWN_STATUS[error.code] ?? EXIT_STATUS.failed;
  return { code: error.code, what: error.message, more: [], where: undefined, cure: circumstances.cure, status };
};

/** As text for standard error. */
export const describeExplained = ({ code, what, more, where, cure }: Explained): string => {
  const label = (name: string, text: string | undefined) => (text === undefined ? [] : [`  ${name} ${text}`]);
  const lines = [
    `hookwright: ${what}${/[?!]$/.test(what) ? '' : '.'} [${code}]`,
    ...label('where:', where),
    ...label('cure: ', cure),
    ...more.map((line) => (line === '' ? '' : `  ${line}`)),
  ];
  return `${printable(lines.join('\n'))}\n`;
};

const OWN_STATUS: Partial<Record<OperatorErrorCode, number>> = {
  HW_BAD_OPTION: EXIT_STATUS.usage,
  HW_UNKNOWN_COMMAND: EXIT_STATUS.usage,
  HW_NO_CREDENTIALS: EXIT_STATUS.notAllowed,
  HW_CREDENTIALS_OPEN: EXIT_STATUS.notAllowed,
};

const explainAnswer = (error: ApiCallError, { subject, server, cure }: Circumstances): Explained => {
  const [what = '', ...more] = linesOf(error.message);
  const where = [subject, server && `at ${server}`].filter((part) => part !== undefined).join(', ');
  return {
    code: error.code,
    what: (error.code === 'ConnectionFailed' ? unreachableText(what) : what).replace(/[.:]$/, ''),
    more,
    where: where === '' ? undefined : where,
    cure: cure ?? cureOf(error),
    status: statusOf(error),
  };
};

/** Which method it was helps nobody whom no method answers. */
const unreachableText = (text: string): string => {
  const [, code = ''] = /\b(E[A-Z_]{4,})\b/.exec(text) ?? [];
  const reason = Object.hasOwn(NETWORK_ERRORS, code)
    ? NETWORK_ERRORS[code]
    : text.replace(/^\w+: (fetch failed: )?/, '');
  return `The server cannot be reached: ${reason}`;
};

const NETWORK_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was broken',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no network to it',
  ETIMEDOUT: 'it does not answer',
  EPROTO: 'it does not speak TLS; is the URL to begin with http://?',
};

/**
 * The lines of Markdown: without the footer that repeats the request, without fences, without the
 * scopes that were asked for beside those that are missing, and with single empty lines between
 * paragraphs.
 */
const linesOf = (markdown: string): string[] => {
  const body = (markdown.split('\n\n---\n')[0] ?? '').trim();
  // What does not fit comes first, and the schema, which is in the documentation, last.
  const [, schema, problems = ''] =
    /^Schema Validation Failed!\s*Rejecting Schema: (\S+)\s*Errors:\s*([\s\S]*)$/.exec(body) ?? [];
  if (schema !== undefined) {
    const [first = '', ...more] = problems.split('\n').map((line) => line.replace(/^\s*\* /, ''));
    const [what = '', ...others] = [first, ...more].map(printableInWords);
    return [what, ...others, `The schema is ${schema}`];
  }
  if (/^Invalid URL patterns:/.test(body)) return body.split('\n').slice(1).map(patternInWords);
  if (/^Query-string parameter: /.test(body)) return body.split('\n').map(patternInWords);
  const told = body.replace(/\n*This request requires the client to satisfy[^\n]*\n+```[\s\S]*?```/, '');
  const [first = '', ...more] = told.replace(/^```.*\n?/gm, '').split('\n');
  return [
    first,
    ...more
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .replace(/^\n+|\n+$/g, '')
      .split('\n'),
  ].filter((line, at, all) => all.length > 2 || at === 0 || line !== '');
};

/** The regular expression of a parameter says little to those who mistyped it. */
const patternInWords = (line: string): string => {
  const [, name, given = ''] =
    /^URL parameter '(\w+)' given as '([\s\S]*)' must match/.exec(line) ??
    /^Query-string parameter: (\w+)="([\s\S]*)" does not match/.exec(line) ??
    [];
  if (name === undefined) return line;
  const rule = Object.hasOwn(RULES, name) ? `: it consists of ${RULES[name]}` : '';
  const shown = given.length > LONGEST_SHOWN ? `${given.slice(0, LONGEST_SHOWN)}…` : given;
  return `"${shown}" cannot be the ${name}${rule}`;
};

const LONGEST_SHOWN = 60;

/**
 * The server's own pattern for scopes and roles. Those of trigger schemas are their authors' words.
 */
const printableInWords = (line: string): string =>
  line.replace(/must match pattern "\^\[\\x20-\\x7e\][*+]\$"/, 'must consist of printable ASCII characters');

const RULES: Readonly<Record<string, string>> = {
  taskId: SLUG_ID_IN_WORDS,
  taskGroupId: SLUG_ID_IN_WORDS,
  hookGroupId: 'up to 1000 letters, digits, - and _',
  hookId: 'up to 1000 letters, digits, -, _ and /',
  clientId: 'letters, digits and ! @ / : . + | _ -',
  roleId: 'printable ASCII characters',
  exchange: 'up to 255 printable ASCII characters',
  routingKey: 'up to 255 characters',
  routingKeyPattern: 'up to 255 characters',
  outcome: `${FIRE_OUTCOMES.join(', ')}, with commas between`,
};

/** Codes of the client's own: whatever answered, it was not the server. */
const NOT_THE_SERVER = ['Timeout', 'ConnectionFailed', 'UnexpectedRedirect', 'MalformedAnswer', 'UnknownError'];

export const isUnreachable = (error: unknown): boolean =>
  error instanceof ApiCallError &&
  (NOT_THE_SERVER.includes(error.code) || [502, 503, 504].includes(error.statusCode ?? 0));

const statusOf = (error: ApiCallError): number => {
  if (isUnreachable(error)) return EXIT_STATUS.unreachable;
  if (error.statusCode === 404) return EXIT_STATUS.notFound;
  return error.statusCode === 401 || error.statusCode === 403 ? EXIT_STATUS.notAllowed : EXIT_STATUS.failed;
};

const cureOf = ({ code, method, message }: ApiCallError): string | undefined => {
  switch (code) {
    case 'ConnectionFailed':
    case 'Timeout':
      return 'start it with: hookwright serve; or name another one with --data or --root-url';
    case 'UnexpectedRedirect':
    case 'MalformedAnswer':
    case 'UnknownError':
      return 'see whether the root URL is that of a Hookwright server: hookwright whoami';
    case 'ResourceNotFound':
      return NOT_FOUND_CURES.find(([methods]) => methods.test(method))?.[1];
    case 'AuthenticationFailed':
      return 'see who you are: hookwright whoami; other credentials: hookwright login';
    case 'InsufficientScopes':
      return message.includes('hookwright roles grant') ? undefined : 'somebody who holds these scopes can give them';
    case 'RequestConflict':
      return method === 'createHook' ? 'to replace the definition: hookwright hooks update' : undefined;
    default:
      return undefined;
  }
};

const NOT_FOUND_CURES: readonly (readonly [RegExp, string])[] = [
  [/^(act|resetCode)$/, 'see which ships there are: hookwright ships list'],
  [/^(webhook|\w+Webhook\w*)$/, 'see which webhooks there are: hookwright webhooks list GROUP/HOOK'],
  [/^(hookVersion|rollbackHook)$/, 'see which versions there are: hookwright hooks versions GROUP/HOOK'],
  [/^(fire|replayFire)$/, 'find its number: hookwright fires search'],
  [/hook|fire|trigger/i, 'see which hooks there are: hookwright hooks list'],
  [/role/i, 'see which roles there are: hookwright roles list'],
  [/client|accessToken/i, 'see which clients there are: hookwright clients list'],
];
