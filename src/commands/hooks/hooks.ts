// `hookwright hooks`: what is one call or two. Triggering, fires and editing are in files of their
// own.
import type { HookDefinition, HookStatus, Hooks } from '#client';
import { sameJson } from '../../core/json.ts';
import type { Call, Run } from '../cli/command.ts';
import { requireId } from '../cli/input/require-id.ts';
import { lookFirst, sayRemoved } from '../cli/look-first.ts';
import { reasonOf } from '../cli/reason-of.ts';
import { pairs, table } from '../cli/table.ts';
import { hookOf } from './hook-name.ts';
import { sayHookSaved } from './say-hook-saved.ts';

/** How many groups are asked for at once. */
const AT_ONCE = 8;

const list: Run = async (call) => {
  const { hooks } = await call.connect();
  const group = call.text('GROUP');
  const groups = group === undefined ? (await hooks.listHookGroups()).groups : [requireId('GROUP', group)];
  const found: HookDefinition[] = [];
  for (let at = 0; at < groups.length; at += AT_ONCE) {
    const pages = await Promise.all(groups.slice(at, at + AT_ONCE).map((one) => hooks.listHooks(one)));
    found.push(...pages.flatMap((page) => page.hooks));
  }
  call.output.answer(found, (paint) =>
    table(
      ['HOOK', 'SCHEDULE', 'BINDINGS', 'OWNER', 'NAME'],
      found.map((hook) => [
        `${hook.hookGroupId}/${hook.hookId}`,
        hook.schedule.join(', '),
        hook.bindings.length === 0 ? undefined : String(hook.bindings.length),
        hook.metadata.owner,
        hook.metadata.name,
      ]),
      { paint, empty: 'There are no hooks.' },
    ),
  );
  return 0;
};

const show: Run = async (call) => {
  const { hooks } = await call.connect();
  const definition = await hooks.hook(...hookOf(call));
  const { asYaml } = await import('../cli/input/read-document.ts');
  call.output.answer(definition, () => asYaml(definition));
  return 0;
};

const create: Run = async (call) => {
  const name = hookOf(call);
  const definition = await readDefinition(call);
  const { hooks } = await call.connect();
  const before = await lookFirst(() => hooks.hook(...name));
  const made = await hooks.createHook(...name, definition);
  const isNew = before === undefined || before === 'hidden';
  return sayHookSaved(call, hooks, made, isNew ? 'Made the hook {}.' : 'The hook {} was there already, unchanged.');
};

const update: Run = async (call) => {
  const name = hookOf(call);
  const definition = await readDefinition(call);
  const { hooks } = await call.connect();
  const before = await lookFirst(() => hooks.hook(...name));
  const updated = await hooks.updateHook(...name, definition);
  const isSame = sameJson(before, updated);
  return sayHookSaved(call, hooks, updated, isSame ? 'The hook {} was like this already.' : 'Updated the hook {}.');
};

const remove: Run = async (call) => {
  const name = hookOf(call);
  const { hooks } = await call.connect();
  const before = await lookFirst(() => hooks.hook(...name));
  await hooks.removeHook(...name);
  return sayRemoved(call, `hook ${name.join('/')}`, before);
};

const status: Run = async (call) => {
  const name = hookOf(call);
  const { hooks } = await call.connect();
  const answer = await hooks.getHookStatus(...name);
  const { lastFire, nextScheduledDate, bindings = [], warnings = [] } = answer;
  call.output.answer(answer, (paint) => {
    const rows = [
      ['hook', name.join('/')],
      ['last fire', lastFire.result === 'no-fire' ? 'none yet' : `${lastFire.result}, ${lastFire.time}`],
      ['task', lastFire.result === 'success' ? lastFire.taskId : undefined],
      ['error', lastFire.result === 'error' ? reasonOf(lastFire.error) : undefined],
      ['next due', nextScheduledDate],
      ...bindings.map((one) => ['binding', bindingText(one)] as const),
      ...warnings.map((warning) => ['warning', warning] as const),
    ] as const;
    return pairs(rows, paint);
  });
  return 0;
};

type Binding = NonNullable<HookStatus['bindings']>[number];

const bindingText = ({ exchange, routingKeyPattern, state, since }: Binding): string =>
  `${state} since ${since}: ${exchange} with ${JSON.stringify(routingKeyPattern)}`;

const token: Run = async (call) => {
  const name = hookOf(call);
  const { hooks } = await call.connect();
  const answer = call.has('reset') ? await hooks.resetTriggerToken(...name) : await hooks.getTriggerToken(...name);
  const url = hooks.buildUrl(hooks.triggerHookWithToken, ...name, answer.token);
  call.output.answer({ token: answer.token, url }, () => (call.has('url') ? url : answer.token));
  return 0;
};

export const hooks = { list, show, create, update, remove, status, token } as const satisfies Record<string, Run>;

const readDefinition = async (call: Call) => {
  const { readDocument } = await import('../cli/input/read-document.ts');
  // The server says what is wrong with its shape, better than a check here could.
  return (await readDocument(call.argument('FILE'), call)) as Parameters<Hooks['createHook']>[2];
};
