// Runs something again on every save of the files that it came from, until the process is
// interrupted.
import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemClock } from '../../core/clock.ts';
import type { CommandIo } from '../cli/command.ts';

/**
 * `named` are files that count from the beginning; each run says which others it read. New sources
 * in their folders count, too: an import that was missing may be one. Resolves with the last
 * status.
 */
export const runAgain = async (
  named: readonly string[],
  io: CommandIo,
  run: () => Promise<{ readonly status: number; readonly files: readonly string[] }>,
): Promise<number> => {
  const observed = new Map<string, FSWatcher>();
  const files = new Set<string>(named);
  let status = 0;
  let wake: () => void = () => {};
  let isStale = true;
  const { promise: stopped, resolve: stop } = Promise.withResolvers<'stopped'>();
  process.once('SIGINT', () => stop('stopped'));

  const observe = (): void => {
    for (const folder of new Set([...files].map((file) => dirname(file)))) {
      if (observed.has(folder)) continue;
      const watcher = watch(folder, (_change, name) => {
        if (name === null || !(files.has(resolve(folder, name)) || /\.[cm]?[jt]sx?$/.test(name))) return;
        isStale = true;
        wake();
      });
      // A folder that goes away has nothing more to say.
      watcher.on('error', () => observed.delete(folder));
      observed.set(folder, watcher);
    }
  };

  // Before the first run, so that what is saved during it is not missed.
  observe();
  for (let isFirst = true; ; isFirst = false) {
    const { promise: saved, resolve: resolveSaved } = Promise.withResolvers<'saved'>();
    wake = () => resolveSaved('saved');
    if (!isStale && (await Promise.race([saved, stopped])) === 'stopped') break;
    isStale = false;
    if (!isFirst) io.stdout.write('\n--- saved, running again ---\n');
    const since = systemClock.now();
    const done = await run();
    status = done.status;
    const found = done.files.filter((file) => !files.has(file));
    for (const file of found) files.add(file);
    observe();
    // Saved while it ran, before it was known that the script needs it.
    isStale ||= found.some((file) => isNewer(file, since));
  }
  for (const watcher of observed.values()) watcher.close();
  return status;
};

const isNewer = (file: string, ms: number): boolean => (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > ms;
