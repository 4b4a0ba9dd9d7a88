// `hookwright webhooks send`: a delivery, signed as its sender would, to try a webhook.
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ApiCallError } from '#client';
import { describeError, describeFileError, OperatorError } from '../../core/errors.ts';
import { newUuid } from '../../core/ids.ts';
import { signDelivery } from '../../task-hooks/webhooks/schemes/sign-delivery.ts';
import type { Call, Run } from '../cli/command.ts';
import { EXIT_STATUS } from '../cli/exit-status.ts';
import { requireId } from '../cli/input/require-id.ts';
import { printable } from '../cli/output.ts';
import { hookOf } from '../hooks/hook-name.ts';
import { secretOf } from './secret-of.ts';

const TYPES: Readonly<Record<string, string>> = {
  ...{ '.form': 'application/x-www-form-urlencoded', '.txt': 'text/plain; charset=utf-8' },
  ...{ '.xml': 'application/xml' },
};

/** A server answers within 10 s, or says that it goes on. */
const LONGEST_WAIT_MS = 30_000;

export const sendDelivery: Run = async (call) => {
  const hook = hookOf(call);
  const name = requireId('NAME', call.argument('NAME'));
  const file = call.argument('FILE');
  const headers = headersOf(call);
  if (file === '-' && call.text('secret-file') === '-') {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: 'The body and the secret cannot both come from standard input',
      cure: 'Put one of them into a file',
    });
  }
  const body = await readBody(call, file);
  const { hooks } = await call.connect();
  const { scheme, hmac, url } = await hooks.webhook(...hook, name);
  const secret = scheme === 'none' ? undefined : await secretOf(call, call.text('secret-file') ?? '-');
  const delivery = { body, id: newUuid(), event: call.text('event'), nowMs: call.clock.now() };
  const signed = sign({ scheme, ...(hmac && { hmac }) }, secret, delivery);
  const type = call.text('type') ?? TYPES[extname(file)] ?? 'application/json';
  const sent = { 'content-type': type, 'user-agent': 'hookwright', ...Object.fromEntries(headers), ...signed };
  const { status, text } = await post(url, sent, body);
  call.output.answer({ status, sent: Object.keys(sent), answer: text }, () => `${status} ${printable(text)}`.trimEnd());
  if (status < 400) return EXIT_STATUS.done;
  call.output.remark(`It was not taken. Why is in: hookwright hooks fires ${hook.join('/')}`);
  return EXIT_STATUS.failed;
};

const readBody = async ({ stdin, cwd }: Call, file: string): Promise<Buffer> => {
  try {
    return file === '-' ? await buffer(stdin) : await readFile(resolve(cwd, file));
  } catch (error) {
    throw new OperatorError('HW_BAD_FILE', { path: file, reason: describeFileError(error) }, error);
  }
};

const headersOf = (call: Call): [string, string][] =>
  call.list('header').map((line) => {
    const [, name, value] = /^([\w!#$%&'*+.^`|~-]+):\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) return [name.toLowerCase(), value];
    throw new OperatorError('HW_BAD_OPTION', {
      problem: `--header "${line}" is no header`,
      cure: `Write name and value with a colon between them: --header 'X-Event: build'`,
    });
  });

const sign = (...given: Parameters<typeof signDelivery>): Record<string, string> => {
  try {
    return signDelivery(...given);
  } catch (error) {
    throw new OperatorError('HW_BAD_OPTION', {
      problem: `It cannot be signed: ${describeError(error).replace(/\.$/, '')}`,
      cure: 'Give the secret of the webhook, or the private half (whsk_…) where the webhook has the public one',
    });
  }
};

const post = async (url: string, headers: Record<string, string>, body: Buffer) => {
  try {
    const signal = AbortSignal.timeout(LONGEST_WAIT_MS);
    const answer = await fetch(url, {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
      redirect: 'manual',
      signal,
    });
    return { status: answer.status, text: await answer.text() };
  } catch (error) {
    const { cause = error } = error as { readonly cause?: unknown };
    throw new ApiCallError(`${url} cannot be reached: ${describeError(cause)}`, {
      code: 'ConnectionFailed',
      method: 'send',
    });
  }
};
