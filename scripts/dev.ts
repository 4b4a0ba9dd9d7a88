// npm run dev: the server, started again whenever a file that it runs is saved, with a log to read.
// Arguments are those of `hookwright serve`: npm run dev -- --log-level debug
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onLauncherGone } from '../src/core/lifeline.ts';
import { prettyLogLine } from './pretty-log.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const args = ['--watch', '--watch-preserve-output', 'src/main.ts', 'serve', ...process.argv.slice(2)];

const ending = new AbortController();
// Before the server is started, which is not to take the launcher's pipe for its own.
onLauncherGone(() => ending.abort());
const server = spawn(process.execPath, args, { cwd: root, stdio: ['inherit', 'inherit', 'pipe'] });
// Ctrl-C reaches the server without us, and it says how it ends; we stay for its last words.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => server.kill(signal));
ending.signal.addEventListener('abort', () => server.kill());

const useColour = process.stderr.isTTY && process.stderr.hasColors();
createInterface({ input: server.stderr }).on('line', (line) => {
  process.stderr.write(`${prettyLogLine(line, useColour)}\n`);
});
const [status] = await once(server, 'close');
process.exitCode = status ?? 1;
