// `hookwright hooks versions`, `diff` and `rollback`: the definitions that a hook had.
import type { Hooks, ListVersionsResponse } from '#client';
import { OperatorError } from '../../core/errors.ts';
import type { Call, Run } from '../cli/command.ts';
import { requireCount } from '../cli/input/require-id.ts';
import { table } from '../cli/table.ts';
import { paintDiff } from './diff-text.ts';
import { type HookArguments, hookOf } from './hook-name.ts';
import { sayHookSaved } from './say-hook-saved.ts';

type Version = ListVersionsResponse['versions'][number];

/** The server gives no more at a time. */
const LONGEST_PAGE = 1_000;

const versions: Run = async (call) => {
  const name = hookOf(call);
  const limit = requireCount('limit', call.text('limit') ?? '20');
  const { hooks } = await call.connect();
  const found = await newestOf(hooks, name, limit);
  call.output.answer(found, (paint) =>
    table(
      ['VERSION', 'REVISION', 'WHEN', 'WHAT', 'BY', 'FROM'],
      found.map(({ version, revision, at, clientId, origin, ...what }) => [
        ...[String(version), revision === undefined ? undefined : String(revision), at],
        ...[actionText(what), clientId, origin],
      ]),
      { paint, empty: `The hook ${name.join('/')} has no versions.` },
    ),
  );
  return 0;
};

const actionText = ({ action, rolledBackTo }: Pick<Version, 'action' | 'rolledBackTo'>): string =>
  rolledBackTo === undefined ? action : `${action}, back to ${rolledBackTo}`;

const diff: Run = async (call) => {
  const name = hookOf(call);
  const [first, second] = ['VERSION', 'OTHER'].map((argument) => versionIn(call, argument));
  const { hooks } = await call.connect();
  const version = second ?? first ?? String((await newestOf(hooks, name, 1))[0]?.version);
  const against = second === undefined ? undefined : first;
  const answer = await hooks.hookVersion(...name, version, { ...(against !== undefined && { against }) });
  call.output.answer(answer, (paint) => paintDiff(answer.diff, paint) || 'Nothing differs.');
  if (answer.diffIsCut) call.output.remark('More differs than is shown.');
  return 0;
};

const rollback: Run = async (call) => {
  const name = hookOf(call);
  const named = versionIn(call, 'VERSION');
  const { hooks } = await call.connect();
  const version = Number(named ?? (await versionBefore(hooks, name)).version);
  const definition = await hooks.rollbackHook(...name, { version });
  const { at } = await hooks.hookVersion(...name, String(version));
  return sayHookSaved(call, hooks, definition, `The hook {} is again as it was on ${at}.`);
};

/** The newest one has just been changed away from: what was before it, or what was removed. */
const versionBefore = async (hooks: Hooks, name: HookArguments): Promise<Version> => {
  const [, before] = await newestOf(hooks, name, 2);
  if (before !== undefined && before.action !== 'removed') return before;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `The newest version of ${name.join('/')} has none before it`,
    cure: `Name one of those that hookwright hooks versions ${name.join('/')} lists`,
  });
};

const newestOf = async (hooks: Hooks, name: HookArguments, limit: number): Promise<readonly Version[]> => {
  const found: Version[] = [];
  for (let token: string | undefined; ; ) {
    const query = { limit: Math.min(limit - found.length, LONGEST_PAGE), ...(token && { continuationToken: token }) };
    const page = await hooks.listVersions(...name, query);
    found.push(...page.versions);
    token = page.continuationToken;
    if (token === undefined || found.length >= limit) return found;
  }
};

/** Throws HW_BAD_OPTION. */
const versionIn = (call: Call, argument: string): string | undefined => {
  const text = call.text(argument);
  if (text === undefined || /^[1-9]\d{0,14}$/.test(text)) return text;
  throw new OperatorError('HW_BAD_OPTION', {
    problem: `"${text}" cannot be a version of a hook`,
    cure: 'Give a number that hookwright hooks versions GROUP/HOOK lists',
  });
};

export const hookVersions = { versions, diff, rollback } as const satisfies Record<string, Run>;
