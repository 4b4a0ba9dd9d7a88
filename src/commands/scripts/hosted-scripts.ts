// `hookwright scripts`: the script hooks of a server's host, in one call or two each.
import type { ScriptHooks } from '#client';
import { OperatorError } from '../../core/errors.ts';
import type { Script } from '../../script-hooks/dry-run/bundle.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { pairs, table } from '../cli/table.ts';
import { hookNameOf } from './script-files.ts';
import {
  allScripts,
  type ListedScript,
  objectOf,
  readSource,
  scriptId,
  scriptIds,
  writtenError,
} from './sent-script.ts';

const list: Run = async (call) => {
  const { scripts } = await call.connect();
  const found = await allScripts(scripts);
  call.output.answer(found, (paint) =>
    table(
      ['ID', 'NAME', 'RUNS', 'IF IT FAILS', 'ADDED'],
      found.map((script) => [script.id, script.name, standing(script), script.onError, script.created]),
      { paint, empty: 'There are no script hooks.' },
    ),
  );
  return EXIT_STATUS.done;
};

const standing = ({ running, isEnabled, disabledReason }: ListedScript): string => {
  if (!isEnabled) return `no: ${disabledReason ?? 'disabled'}`;
  return { src: 'yes', earlier: 'an earlier source', none: 'no: it does not compile' }[running];
};

const show: Run = async (call) => {
  const { scripts } = await call.connect();
  const script = await scripts.script(await scriptId(scripts, call.argument('SCRIPT')));
  call.output.answer(script, (paint) => {
    if (call.has('source')) return script.src;
    const rows = [
      ['id', script.id],
      ['name', script.name],
      ['runs', standing(script)],
      ['error', script.error ?? undefined],
      ['if it fails', script.onError === 'allow' ? 'the event passes' : 'the event is denied'],
      ...script.channels.map((nest) => ['channel', nest] as const),
      ...Object.entries(script.config).map(
        ([nest, config]) => ['config', `${nest}: ${JSON.stringify(config)}`] as const,
      ),
      ...Object.entries(script.crons).map(
        ([origin, cron]) => ['cron', `${origin}: ${JSON.stringify(cron.schedule)}`] as const,
      ),
    ] as const;
    return pairs(rows, paint);
  });
  return EXIT_STATUS.done;
};

const add: Run = async (call) => {
  const script = await readSource(call);
  const onError = onErrorIn(call);
  const { scripts } = await call.connect();
  const name = call.text('name') ?? hookNameOf(call.argument('FILE'));
  const { set } = await scripts.act({ add: { name, src: script.source } });
  if (onError !== undefined && set) await scripts.changeScript(set.id, { onError });
  return saySet(call, set, script, 'Added');
};

const edit: Run = async (call) => {
  const script = call.text('FILE') === undefined ? undefined : await readSource(call);
  const [name, onError] = [call.text('name'), onErrorIn(call)];
  if (script === undefined && name === undefined && onError === undefined) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'Nothing is given that could change',
      cure: 'Give FILE, --name or --on-error',
    });
  }
  const { scripts } = await call.connect();
  const id = await scriptId(scripts, call.argument('SCRIPT'));
  if (onError !== undefined) await scripts.changeScript(id, { onError });
  const { set } = await scripts.act({ edit: { id, name: name ?? null, src: script?.source ?? null, meta: null } });
  return saySet(call, set, script, 'Changed');
};

type Set = Awaited<ReturnType<ScriptHooks['act']>>['set'];

const saySet = (call: Call, set: Set, script: Script | undefined, done: string): number => {
  if (set === undefined) throw new Error('the server answered something else');
  const { src: _src, ...told } = set;
  call.output.answer(told, () => `${done} the script hook ${set.name}: ${set.id}`);
  if (set.error === null) return EXIT_STATUS.done;
  call.output.remark(`It does not compile: ${script ? writtenError(set.error, script) : set.error}.`);
  return EXIT_STATUS.failed;
};

const onErrorIn = (call: Call): 'allow' | 'deny' | undefined => {
  const text = call.text('on-error');
  if (text === undefined || text === 'allow' || text === 'deny') return text;
  throw new OperatorError('HW_BAD_OPTION', { problem: `--on-error is "${text}"`, cure: 'Give allow or deny' });
};

const order: Run = async (call) => {
  const nest = call.argument('CHANNEL');
  const given = call.text('SCRIPTS');
  if ((given === undefined) !== call.has('none')) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'It is not clear which script hooks are to run',
      cure: 'Give their ids or names with commas between them, or --none',
    });
  }
  const { scripts } = await call.connect();
  const seq = await scriptIds(scripts, given?.split(',').filter(Boolean) ?? []);
  const { order: answer } = await scripts.act({ order: { nest, seq } });
  const left = seq.length - (answer?.seq.length ?? 0);
  call.output.answer(answer, () =>
    answer?.seq.length ? `On ${nest} run: ${answer.seq.join(', ')}` : `No script hook runs on ${nest} any more.`,
  );
  if (left > 0) call.output.remark(`${left} of them ${left === 1 ? 'is' : 'are'} not there, and left out.`);
  return EXIT_STATUS.done;
};

const config: Run = async (call) => {
  const nest = call.argument('CHANNEL');
  const pieces = call.list('set').map((text) => {
    const at = text.indexOf('=');
    return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  });
  const json = call.text('config');
  const settings = { ...(json === undefined ? {} : objectOf('config', json)), ...Object.fromEntries(pieces) };
  const { scripts } = await call.connect();
  const id = await scriptId(scripts, call.argument('SCRIPT'));
  const { config: answer } = await scripts.act({ config: { id, nest, config: settings } });
  call.output.answer(answer, () => `${id} has on ${nest}: ${JSON.stringify(answer?.config)}`);
  return EXIT_STATUS.done;
};

const cron: Run = async (call) => {
  const [text, next, json] = [call.argument('SCHEDULE'), call.text('next'), call.text('config')];
  const schedule = next === undefined ? text : { next, repeat: text };
  const settings = json === undefined ? {} : objectOf('config', json);
  const { scripts } = await call.connect();
  const id = await scriptId(scripts, call.argument('SCRIPT'));
  const origin = call.text('channel') ?? null;
  const { cron: answer } = await scripts.act({ cron: { id, origin, schedule, config: settings } });
  call.output.answer(answer, () => `It runs next at ${answer?.schedule.next ?? 'no time'} (${placeOf(origin)}).`);
  return EXIT_STATUS.done;
};

const rest: Run = async (call) => {
  const { scripts } = await call.connect();
  const id = await scriptId(scripts, call.argument('SCRIPT'));
  const origin = call.text('channel') ?? null;
  const { rest: answer } = await scripts.act({ rest: { id, origin } });
  call.output.answer(answer, () => `It does not run by a schedule any more (${placeOf(origin)}).`);
  return EXIT_STATUS.done;
};

const placeOf = (origin: string | null): string => (origin === null ? 'without a channel' : `in ${origin}`);

const enable: Run = async (call) => {
  const { scripts } = await call.connect();
  const script = await scripts.changeScript(await scriptId(scripts, call.argument('SCRIPT')), { isEnabled: true });
  call.output.answer(script, () => `Enabled the script hook ${script.name}.`);
  return EXIT_STATUS.done;
};

const disable: Run = async (call) => {
  const { scripts } = await call.connect();
  const reason = call.text('reason');
  const change = { isEnabled: false, ...(reason !== undefined && { reason }) };
  const script = await scripts.changeScript(await scriptId(scripts, call.argument('SCRIPT')), change);
  call.output.answer(script, () => `Disabled the script hook ${script.name}.`);
  return EXIT_STATUS.done;
};

const remove: Run = async (call) => {
  const { scripts } = await call.connect();
  const { gone } = await scripts.act({ del: await scriptId(scripts, call.argument('SCRIPT')) });
  call.output.answer({ removed: gone }, () => `Removed the script hook ${gone}, with its state, settings and crons.`);
  return EXIT_STATUS.done;
};

const template: Run = async (call) => {
  const [nest, file] = [call.argument('CHANNEL'), call.text('set-up')];
  const { scripts } = await call.connect();
  if (file === undefined) {
    const exported = await scripts.exportTemplate(nest);
    call.output.answer(exported, () => JSON.stringify(exported, null, 2));
    return EXIT_STATUS.done;
  }
  const { readDocument } = await import('../cli/input/read-document.ts');
  const given = (await readDocument(file, call)) as Parameters<ScriptHooks['setUpTemplate']>[1];
  const answer = await scripts.setUpTemplate(nest, given);
  const ids = Object.values(answer.ids);
  call.output.answer(answer, () => `Set up on ${nest}: ${ids.join(', ') || 'nothing'}`);
  return EXIT_STATUS.done;
};

const preview: Run = async (call) => {
  const { scripts } = await call.connect();
  const { scripts: found } = await scripts.preview(call.argument('CHANNEL'));
  call.output.answer(found, (paint) =>
    table(
      ['NAME', 'TITLE', 'DESCRIPTION'],
      found.map(({ name, meta }) => [name, meta.title, meta.description]),
      { paint, empty: 'No script hook runs there.' },
    ),
  );
  return EXIT_STATUS.done;
};

export const hosted = {
  ...{ list, show, add, edit, order, config, cron, rest, enable, disable, remove, template, preview },
} as const satisfies Record<string, Run>;
