// `hookwright webhooks`: ways into hooks for other systems, and what to paste into those.
import type { PutWebhookRequest, Webhook } from '#client';
import { OperatorError } from '../../core/errors.ts';
import type { Call, Run } from '../cli/command.ts';
import { requireId } from '../cli/input/require-id.ts';
import { lookFirst, sayRemoved } from '../cli/look-first.ts';
import { pairs, table } from '../cli/table.ts';
import { type HookArguments, hookOf } from '../hooks/hook-name.ts';
import { sayHookSaved } from '../hooks/say-hook-saved.ts';
import { isMadeBySender, pasteInto } from './paste.ts';
import { secretOf } from './secret-of.ts';

const nameOf = (call: Call): string => requireId('NAME', call.argument('NAME'));

type Given = { readonly scheme: string; readonly hook?: unknown; readonly settings: Record<string, unknown> };

const add: Run = async (call) => {
  const hook = hookOf(call);
  const { scheme, hook: definition, settings } = await readSettings(call);
  const name = requireId('NAME', call.text('NAME') ?? scheme);
  const secret = await secretOf(call);
  const { hooks } = await call.connect();
  if (definition !== undefined) {
    const made = await hooks.createHook(...hook, definition as Parameters<typeof hooks.createHook>[2]);
    if (!call.output.isJson) await sayHookSaved(call, hooks, made, 'The hook {} is there.');
  }
  const before = await lookFirst(() => hooks.webhook(...hook, name));
  const keepsSecret = before !== 'hidden' && before?.scheme === scheme;
  const otherwise = keepsSecret || scheme === 'none' ? undefined : { generate: true };
  const secrets = secret === undefined ? (settings.secrets ?? otherwise) : [secret];
  const request = { ...settings, scheme, ...(secrets !== undefined && { secrets }) } as PutWebhookRequest;
  const webhook = await hooks.putWebhook(...hook, name, request);
  const done = before === undefined ? 'Made' : before === 'hidden' ? 'Saved' : 'Changed';
  return answerWebhook(call, hook, webhook, `${done} the webhook ${name} of ${hook.join('/')}.`);
};

/** Throws HW_BAD_OPTION, HW_BAD_FILE. */
const readSettings = async (call: Call): Promise<Given> => {
  const file = call.text('file');
  const { readDocument } = await import('../cli/input/read-document.ts');
  const document = file === undefined ? {} : ((await readDocument(file, call)) as Record<string, unknown>);
  const { hook, ...settings } = document;
  const scheme = call.text('scheme') ?? settings.scheme;
  if (typeof scheme === 'string') return { scheme, hook, settings };
  throw new OperatorError('HW_BAD_OPTION', {
    problem: 'It is not said how the sender proves who it is',
    cure: 'Give --scheme, such as --scheme github, or "scheme" in the file',
  });
};

const show: Run = async (call) => {
  const hook = hookOf(call);
  const { hooks } = await call.connect();
  return answerWebhook(call, hook, await hooks.webhook(...hook, nameOf(call)));
};

const list: Run = async (call) => {
  const { hooks } = await call.connect();
  const { webhooks: found } = await hooks.listWebhooks(...hookOf(call));
  call.output.answer(found, (paint) =>
    table(
      ['NAME', 'SCHEME', 'SECRETS', 'EXPIRES', 'URL'],
      found.map(({ name, scheme, secretCount, expires, url }) => [name, scheme, String(secretCount), expires, url]),
      { paint, empty: 'The hook has no webhooks.' },
    ),
  );
  return 0;
};

const rotate: Run = async (call) => {
  const hook = hookOf(call);
  const name = nameOf(call);
  const secret = await secretOf(call);
  const keepOld = !call.has('drop-old');
  const { hooks } = await call.connect();
  const webhook = await hooks.rotateWebhookSecret(...hook, name, { keepOld, ...(secret !== undefined && { secret }) });
  const old = keepOld ? 'the one of before is good until the next rotation' : 'the one of before is worth nothing now';
  return answerWebhook(call, hook, webhook, `The webhook ${name} of ${hook.join('/')} has another secret; ${old}.`);
};

const remove: Run = async (call) => {
  const hook = hookOf(call);
  const name = nameOf(call);
  const { hooks } = await call.connect();
  const before = await lookFirst(() => hooks.webhook(...hook, name));
  await hooks.removeWebhook(...hook, name);
  return sayRemoved(call, `webhook ${hook.join('/')} ${name}`, before);
};

export const webhooks = { add, list, show, rotate, remove } as const satisfies Record<string, Run>;

/** What to paste where, and of one that was not just changed what it is. */
const answerWebhook = (call: Call, hook: HookArguments, webhook: Webhook, remark?: string): number => {
  const { name, scheme, secret } = webhook;
  if (remark !== undefined && !call.output.isJson) call.output.remark(remark);
  call.output.answer(webhook, (paint) => {
    const { place, fields, after } = pasteInto(webhook);
    const about = remark === undefined ? pairs(aboutOf(webhook), paint) : '';
    const paste = `${about}\n${place}:\n${pairs(fields, paint).replaceAll(/^(?=.)/gm, '  ')}`;
    if (secret === undefined) return paste;
    return `${paste}${isMadeBySender(scheme) ? '' : 'The secret is not shown again.\n'}${after(hook, name)}`;
  });
  return 0;
};

const aboutOf = ({ name, scheme, secretCount, respond, expires, allow, when, map }: Webhook) =>
  [
    ['name', name],
    ['scheme', scheme],
    ['secrets', String(secretCount)],
    ['answers', respond],
    ['expires', expires],
    ['from', allow?.join(', ')],
    ['when', when === undefined ? undefined : JSON.stringify(when)],
    ['map', map === undefined ? undefined : JSON.stringify(map)],
  ] as const;
