// Removes folders once this process has ended, however it ended: a shell waits for the end of a
// pipe that only we hold.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type Janitor = {
  /**
   * From now on this folder will be removed. One that holds a database is removed once its server
   * has stopped.
   */
  readonly takeCharge: (folder: string) => void;
  /** Removes them now. */
  readonly finish: () => Promise<void>;
};

const SCRIPT = `
while IFS= read -r folder; do set -- "$@" "$folder"; done
tries=0
for folder do
  while [ -e "$folder/cluster/postmaster.pid" ] && [ $tries -lt 150 ]; do sleep 0.1; tries=$((tries + 1)); done
done
for folder do
  # What was killed in the middle may still be writing.
  tries=0
  until rm -rf "$folder" 2>/dev/null || [ $tries -eq 20 ]; do sleep 0.5; tries=$((tries + 1)); done
done
rmdir /var/lib/hookwright 2>/dev/null
exit 0
`;

export const startJanitor = (): Janitor => {
  // A group of its own: Ctrl-C must not reach it.
  const shell = spawn('/bin/sh', ['-c', SCRIPT], { stdio: ['pipe', 'ignore', 'inherit'], detached: true });
  const ended = once(shell, 'exit');
  shell.unref();
  // The pipe of a child is a socket, though its type does not say so.
  (shell.stdin as unknown as { unref: () => void }).unref();
  return {
    takeCharge: (folder) => {
      shell.stdin.write(`${folder}\n`);
    },
    finish: async () => {
      shell.ref();
      shell.stdin.end();
      await ended;
    },
  };
};
