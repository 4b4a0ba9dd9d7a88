// `hookwright serve`: the server as a process.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { App } from '../../app.ts';
import { type Config, readConfig } from '../../config.ts';
import { systemClock } from '../../core/clock.ts';
import { describeFileError, errorCode, OperatorError } from '../../core/errors.ts';
import { makeFolders } from '../../core/files/make-folders.ts';
import { onLauncherGone } from '../../core/lifeline.ts';
import { createLog } from '../../core/log.ts';
import { describeOptions, PARTS } from '../../options.ts';
import { VERSION } from '../../version.ts';
import type { Command } from '../cli/command.ts';

/**
 * Ctrl-C reaches us several times at once: from the terminal, from npm and from the launcher. They
 * are one.
 */
const SAME_SIGNAL_MS = 250;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export const serve: Command = {
  summary: 'Run the server',
  usage: `hookwright serve [options]\n\n${describeOptions()}\n  --config FILE\n      A JSON object with these options, its keys the names of the flags. (HOOKWRIGHT_CONFIG)`,
  run: async (args, { stdout, env, cwd }) => {
    const config = readConfig(args, env, cwd);
    const log = createLog({ level: config.logLevel });
    const serverFile = join(config.dataFolder, 'server.json');
    const ending = listenForSignals((status) => {
      removeServerFile(serverFile);
      process.exit(status);
    });

    // Loaded only now: what is wrong with an option, and the help, are said at once.
    const { startApp } = await import('../../app.ts');
    const app = await startApp(config, { clock: systemClock, log });
    if (!ending.aborted) {
      if (config.parts.includes('web')) await writeServerFile(serverFile, app.url);
      stdout.write(greeting(app, config, cwd));
      const ended = new Promise<void>((resolve) => {
        if (ending.aborted) resolve();
        ending.addEventListener('abort', () => resolve(), { once: true });
      });
      try {
        await Promise.race([ended, app.failure]);
      } catch (error) {
        await app.stop().catch((stopError: unknown) => log.error({ err: stopError }, 'shutdown failed'));
        removeServerFile(serverFile);
        throw error;
      }
      stdout.write('\nEnding: finishing what is under way. Press Ctrl-C again to end at once.\n');
    }
    await app.stop();
    removeServerFile(serverFile);
    stdout.write('Ended.\n');
    return 0;
  },
};

/** Aborts at the first signal; calls `endAtOnce` with the exit status at a second one. */
const listenForSignals = (endAtOnce: (status: number) => void): AbortSignal => {
  const ending = new AbortController();
  let firstAt = 0;
  const onSignal = (number: number) => {
    if (!ending.signal.aborted) {
      firstAt = systemClock.monotonic();
      return ending.abort();
    }
    if (systemClock.monotonic() - firstAt > SAME_SIGNAL_MS) endAtOnce(128 + number);
  };
  for (const [name, number] of Object.entries(SIGNALS)) process.on(name, () => onSignal(number));
  onLauncherGone(() => ending.abort());
  return ending.signal;
};

const greeting = (
  { url, rootUrl, databasePlace, credentialsFile }: App,
  { dataFolder, parts, deployment, idle }: Config,
  cwd: string,
): string => {
  const isOutside = databasePlace.startsWith(sep) && relative(dataFolder, databasePlace).startsWith('..');
  const lines = [
    `Hookwright ${VERSION} is ready at ${url}${rootUrl === url ? '' : ` (clients use ${rootUrl})`}`,
    `  data         ${dataFolder}`,
    ...(databasePlace.startsWith(dataFolder) ? [] : [`  database     ${databasePlace}`]),
    ...(isOutside
      ? ['               (outside, because the data folder’s parents are closed to the database’s user)']
      : []),
    ...(deployment === undefined
      ? []
      : [`  deployment   ${deployment.rootUrl.origin} (this server is its client "${deployment.clientId}")`]),
    ...(idle.length === 0 ? [] : [`  not used     ${idle.join(', ')}: without --mode taskcluster they mean nothing`]),
    ...(parts.length === PARTS.length ? [] : [`  parts        ${parts.join(', ')}`]),
    ...(credentialsFile === undefined
      ? []
      : [
          `  credentials  ${relative(cwd, credentialsFile) || credentialsFile} (client "root", which may do everything)`,
          ...tourLine(url, cwd),
        ]),
    'Press Ctrl-C to end.',
  ];
  return `${lines.join('\n')}\n`;
};

const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url)); // from src/ and from dist/ alike

/** The server serves the documentation; in a clone it can be read as a file too. */
const tourLine = (url: string, cwd: string): readonly string[] => {
  const file = join(PACKAGE, 'docs', 'tour.md');
  if (!existsSync(file)) return []; // an image may leave the documentation out
  const shown = relative(cwd, file);
  const inClone = existsSync(join(PACKAGE, 'src')) ? ` (${shown.startsWith('..') ? file : shown})` : '';
  return [`  next         make a hook and trigger it, in five minutes: ${url}/docs/tour${inClone}`];
};

/** Whole or not at all, so that whoever waits for it reads no half of it. */
const writeServerFile = async (path: string, url: string): Promise<void> => {
  const draft = `${path}.${process.pid}`;
  try {
    await makeFolders(dirname(path)); // with a given database and a given key, nothing else lies in it
    await writeFile(draft, `${JSON.stringify({ url, pid: process.pid })}\n`);
    await rename(draft, path);
  } catch (error) {
    const values = { folder: dirname(path), reason: describeFileError(error) };
    throw new OperatorError(errorCode(error) === 'ENOSPC' ? 'HW_DISK_FULL' : 'HW_DATA_NOT_WRITABLE', values, error);
  }
};

/**
 * Synchronous, because a second signal leaves no time. Another process in the same data folder
 * keeps its own.
 */
const removeServerFile = (path: string): void => {
  try {
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number };
    if (pid === process.pid) rmSync(path);
  } catch {
    // It is gone, or was never written: nothing is left to remove.
  }
};
