// Runs inside a server under measurement (`node --import`): writes down how much CPU the main
// thread takes in one piece, between two moments at which somebody else could have a turn. On a
// busy machine that says more than how long a ping takes.
import { appendFileSync } from 'node:fs';
import { clearInterval, setInterval } from 'node:timers';

const SHORTEST_PIECE_MS = 5;
const file = process.env.HOOKWRIGHT_BENCH_PIECES;

if (file !== undefined) {
  delete process.env.HOOKWRIGHT_BENCH_PIECES; // not for the processes that the server starts
  const used = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let before = used();
  const timer = setInterval(() => {
    const now = used();
    if (now - before >= SHORTEST_PIECE_MS) appendFileSync(file, `${(now - before).toFixed(1)}\n`);
    before = used();
  }, 1).unref();
  process.once('exit', () => clearInterval(timer));
}
