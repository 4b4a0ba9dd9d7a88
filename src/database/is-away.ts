// Whether what a statement met is the absence of the database: it could not be reached, or the
// connection broke.
import { errorCode, OperatorError } from '../core/errors.ts';

/** Of the network; with `connect` as what was tried, also that there is no socket. */
const NETWORK: readonly string[] = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
];
/**
 * Connection exceptions (08), the server ends, was killed or is starting (57P01 to 57P03), too many
 * connections.
 */
const SQLSTATE = /^(?:08...|57P0[123]|53300)$/;
/** What pg says without a code. */
const WITHOUT_CODE =
  /^(?:Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect)/;

export const isDatabaseAway = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const code = errorCode(error);
  if (code === undefined) return WITHOUT_CODE.test(error.message);
  if (code === 'ENOENT') return 'syscall' in error && error.syscall === 'connect';
  return NETWORK.includes(code) || SQLSTATE.test(code);
};

/**
 * What to tell callers when the database cannot do its work now and will later, without where it
 * is; undefined: the error is another one.
 */
export const whyUnavailable = (error: unknown): string | undefined => {
  if (isDatabaseAway(error)) return 'The database does not answer.';
  if (!(error instanceof OperatorError)) return undefined;
  if (error.code === 'HW_DATABASE_FULL') return `The database has no disk space left (${error.code}).`;
  if (error.code === 'HW_DATABASE_READ_ONLY') return `The database takes no writes (${error.code}).`;
  return undefined;
};
