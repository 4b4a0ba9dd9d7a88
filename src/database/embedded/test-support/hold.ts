// A process that uses a data folder's database until its standard input ends. It says in one line
// of JSON what it got, or why not. node hold.ts <data folder>
import { systemClock } from '../../../core/clock.ts';
import { OperatorError } from '../../../core/errors.ts';
import { silentLog } from '../../../core/log.ts';
import { startEmbeddedPostgres } from '../embedded-postgres.ts';

const dataFolder = process.argv[2] ?? '';
process.on('SIGINT', () => {});
try {
  const postgres = await startEmbeddedPostgres({ dataFolder, log: silentLog, clock: systemClock });
  const { connection, pid, place, firstStart } = postgres;
  process.stdout.write(`${JSON.stringify({ connection, pid, place, firstStart })}\n`);
  process.stdin.resume().on('end', () => postgres[Symbol.asyncDispose]().then(() => process.exit(0)));
} catch (error) {
  const code = error instanceof OperatorError ? error.code : undefined;
  process.stdout.write(`${JSON.stringify({ code, message: String(error) })}\n`);
}
