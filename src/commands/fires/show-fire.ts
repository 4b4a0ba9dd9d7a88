// `hookwright fires show`: one fire, explained.
import type { FireResponse } from '#client';
import type { Run } from '../cli/command.ts';
import { asYaml } from '../cli/input/read-document.ts';
import type { Paint } from '../cli/output.ts';
import { printable } from '../cli/output.ts';
import { reasonOf } from '../cli/reason-of.ts';
import { pairs, table } from '../cli/table.ts';
import { requireFire } from '../hooks/fire-number.ts';
import { senderText } from '../hooks/hook-fires.ts';

export const showFire: Run = async (call) => {
  const seq = requireFire(call.argument('FIRE'));
  const { hooks } = await call.connect();
  const fire = await hooks.fire(String(seq));
  call.output.answer(fire, (paint) => describe(fire, paint));
  return 0;
};

const describe = (fire: FireResponse, paint: Paint): string => {
  const { hookGroupId, hookId, revision, hook, clientId, replayedFrom, replayedInto, taskId, taskState } = fire;
  const made = fire.outcome === 'created' || fire.attempts > 0 ? taskId : undefined;
  const rows = [
    ['hook', `${hookGroupId}/${hookId}${HOOK_NOW[hook]}`],
    ['revision', revision === undefined ? undefined : String(revision)],
    ['arrived', fire.arrived],
    ['ended', fire.ended],
    [
      'fired by',
      `${senderText(fire.detail) ?? fire.firedBy ?? '-'}${clientId === undefined ? '' : `, as ${clientId}`}`,
    ],
    ['request', fire.requestId],
    ['outcome', fire.outcome],
    ['reason', fire.reason],
    ['task', made && `${made}${taskState === undefined ? '' : `, ${taskState}`}`],
    ['repeats', replayedFrom === undefined ? undefined : `the fire ${replayedFrom}`],
    ...replayedInto.map(({ seq, outcome }) => ['repeated', `by the fire ${seq}: ${outcome ?? 'not ended'}`] as const),
    ['payload', payloadText(fire)],
  ] as const;
  const steps = fire.steps.map(({ step, verdict, reason }) => [step, verdict, reason && reasonOf(reason)]);
  const tries = fire.tries.map(({ at, reason }) => [at, reason && reasonOf(reason)]);
  return [
    pairs(rows, paint),
    ...(steps.length > 0 ? [table(['STEP', 'VERDICT', 'REASON'], steps, { paint, empty: '' })] : []),
    ...(tries.length > 0 ? [table(['FAILED AT', 'REASON'], tries, { paint, empty: '' })] : []),
    ...bodyOf(fire),
  ].join('\n');
};

const HOOK_NOW: Readonly<Record<FireResponse['hook'], string>> = {
  'the same': '',
  changed: ', which was changed since',
  'made anew': ', which was removed since, and made again',
  removed: ', which was removed since',
  'not known': '',
};

const payloadText = ({ payloadIs, payload }: FireResponse): string => {
  if (payload === undefined) return payloadIs;
  const { bytes, isWhole, isRedacted } = payload;
  const not = [...(isWhole ? [] : ['only its beginning is kept']), ...(isRedacted ? ['parts were taken out'] : [])];
  return [`${bytes.toLocaleString('en')} bytes`, ...not].join(', ');
};

const bodyOf = ({ payload }: FireResponse): string[] => {
  if (payload?.value !== undefined && payload.value !== null) return [asYaml(payload.value)];
  return payload?.text === undefined ? [] : [`${printable(payload.text)}\n`];
};
