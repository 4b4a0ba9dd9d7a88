// `hookwright pulse watch`: the messages of an exchange as they come, and what a hook would make of
// them.
import { ApiCallError, type Broker, type Hooks, type ReadWatchResponse } from '#client';
import { toIso } from '../../core/clock.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { isUnreachable } from '../cli/explain-error.ts';
import { requireCount, requireId } from '../cli/input/require-id.ts';
import { heedInterruption } from '../cli/interruption.ts';
import { asJson, type Colour, oneLine } from '../cli/output.ts';
import { readHookName } from '../hooks/hook-name.ts';
import type { HookTrial, Verdict } from './hook-trial.ts';

type Message = ReadWatchResponse['messages'][number];

const TRY_AGAIN_AFTER_MS = 1_000;
const CLOSE_WITHIN_MS = 2_000;
const LONGEST_SHOWN = 200;

export const pulseWatch: Run = async (call) => {
  const exchange = requireId('EXCHANGE', call.argument('EXCHANGE'));
  const pattern = requireId('PATTERN', call.argument('PATTERN'));
  const hook = call.text('hook');
  const name = hook === undefined ? undefined : readHookName(hook);
  const count = call.text('count');
  const most = count === undefined ? Number.POSITIVE_INFINITY : requireCount('count', count);
  const { signal, grace } = heedInterruption(call.clock);
  const connection = await call.connect();
  await using trial =
    name && (await (await import('./hook-trial.ts')).createHookTrial(connection.hooks, name, call.clock));
  // Like the hook before it, the first watch is not forgiven: wrong names and credentials are said
  // at once.
  const watch = await openWatch(call, connection, exchange, pattern, signal);
  call.output.remark(`Watching ${exchange} for ${pattern}; Ctrl-C ends it.`);
  if (trial && !trial.isBoundTo(exchange)) {
    call.output.remark(`The hook ${hook} is not bound to ${exchange}; this is what it would make of the messages.`);
  }
  let shown = 0;
  while (!signal.aborted && shown < most) {
    const messages = await watch.read();
    if (trial && messages.length > 0) await refresh(trial, watch.hooks(), call);
    for (const message of messages.slice(0, most - shown)) {
      await show(call, message, trial);
      shown += 1;
    }
  }
  await watch.close();
  await grace();
  return EXIT_STATUS.done;
};

type Clients = { readonly broker: Broker; readonly hooks: Hooks };

/**
 * A watch that outlives the server: what came while nobody could read it is shown, if it is still
 * there.
 */
const openWatch = async (call: Call, first: Clients, exchange: string, pattern: string, interruption: AbortSignal) => {
  const { output, clock } = call;
  let { broker, hooks } = first;
  let isAway = false;
  const open = async () => (await broker.openWatch(exchange, { routingKeyPattern: pattern })).watchId;
  let id: string | undefined = await open();
  const interrupted = new Promise<'interrupted'>((resolve) => {
    interruption.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });

  const whenAway = async () => {
    if (!isAway) output.remark('The server or its broker cannot be reached; waiting for it.');
    isAway = true;
    await clock.sleep(TRY_AGAIN_AFTER_MS, interruption);
    ({ broker, hooks } = await call.connect()); // it may come back at another address
  };

  const readOnce = async () => {
    id ??= await open();
    const { messages, isIncomplete } = await broker.readWatch(exchange, id);
    if (isAway) output.remark('The server is there again.');
    isAway = false;
    if (isIncomplete) output.remark('More came than a watch keeps: some messages are missing here.');
    return messages;
  };

  return {
    /** Empty: nothing came for a while, or the command is to end. */
    read: async (): Promise<readonly Message[]> => {
      try {
        const messages = await Promise.race([readOnce(), interrupted]);
        return messages === 'interrupted' ? [] : messages;
      } catch (error) {
        if (isUnreachable(error)) {
          await whenAway();
        } else if (isNotFound(error) && error.method === 'readWatch') {
          output.remark('The watch was gone: what came meanwhile is not shown.');
          id = undefined;
        } else throw error;
        return [];
      }
    },
    hooks: () => hooks,
    close: async () => {
      if (id === undefined) return;
      const closing = broker.closeWatch(exchange, id).catch(() => {}); // nobody reads it: it is gone in a minute anyway
      await Promise.race([closing, clock.sleep(CLOSE_WITHIN_MS)]);
    },
  };
};

const isNotFound = (error: unknown): error is ApiCallError => error instanceof ApiCallError && error.statusCode === 404;

/**
 * The messages are here already, and are tried with what is known of the hook if nothing newer can
 * be had.
 */
const refresh = async (trial: HookTrial, hooks: Hooks, call: Call) => {
  try {
    await trial.refresh(hooks);
  } catch (error) {
    if (!isUnreachable(error) && !isNotFound(error)) throw error;
    if (isNotFound(error)) call.output.remark('The hook is not there any more; this is what it would have made.');
  }
};

const COLOURS: Readonly<Record<Verdict['outcome'], Colour>> = {
  created: 'green',
  declined: 'dim',
  rejected: 'red',
  failed: 'red',
  limited: 'red',
};

const show = async (call: Call, message: Message, trial: HookTrial | undefined) => {
  const { exchange, routingKey, messageId, body } = message;
  const time = message.accepted ?? toIso(call.clock.now());
  const tried = { exchange, routingKey, messageId, body: Buffer.from(body ?? '') };
  const verdict = body === undefined ? undefined : await trial?.of(tried);
  const { output } = call;
  if (output.isJson) {
    const { accepted: _accepted, body: _body, ...rest } = message;
    output.line(asJson({ time, ...rest, ...contentOf(body), ...(verdict && { hook: verdict }) }, 0));
    return;
  }
  output.line(`${time}  ${oneLine(routingKey) || '(no key)'}  ${textOf(message)}`);
  if (verdict) {
    const reason = verdict.reason === undefined ? '' : `  ${oneLine(verdict.reason)}`;
    output.line(`    ${output.paint(COLOURS[verdict.outcome], verdict.outcome)}${reason}`);
  } else if (trial) {
    output.line(`    ${output.paint('yellow', 'not tried')}  only messages of up to 1 MB are tried here`);
  }
};

/** `payload` when it is JSON, `text` when it is not, neither when it is too long to be shown. */
const contentOf = (body: string | undefined): { readonly payload?: unknown; readonly text?: string } => {
  if (body === undefined) return {};
  try {
    return { payload: JSON.parse(body) };
  } catch {
    return { text: body }; // the answer to the question
  }
};

const textOf = ({ body, bytes }: Message): string => {
  if (body === undefined) return `(${bytes} bytes)`;
  const text = oneLine(body.slice(0, LONGEST_SHOWN));
  return body.length > LONGEST_SHOWN ? `${text}… (${bytes} bytes)` : text;
};
