// Running a helper program to its end, as the user that PostgreSQL runs as and with nothing of our
// environment.
import { spawn } from 'node:child_process';
import { describeError } from '../../core/errors.ts';
import type { Owner } from './owner.ts';

/**
 * What the programs get to see. PGDATA, PGOPTIONS, LD_LIBRARY_PATH and the like would change what
 * they do, and LC_ALL=C keeps their messages in the words that failure.ts looks for.
 */
const CHILD_ENVIRONMENT = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * Options that every program gets: a session of its own (Ctrl-C in the terminal is for us alone)
 * and a folder that all may enter.
 */
export const childOptions = (owner: Owner | undefined) => ({
  ...(owner ?? {}),
  cwd: '/',
  detached: true,
  env: CHILD_ENVIRONMENT,
});

export type RunResult = { readonly succeeded: boolean; readonly output: string };

/** Never rejects: a program that cannot be started is a failed run whose output says why. */
export const run = (program: string, args: readonly string[], owner: Owner | undefined): Promise<RunResult> =>
  new Promise((resolve) => {
    let output = '';
    const child = spawn(program, args, { ...childOptions(owner), stdio: ['ignore', 'pipe', 'pipe'] });
    const collect = (chunk: string) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => resolve({ succeeded: false, output: describeError(error) }));
    child.on('close', (status, signal) => {
      if (signal) output += `\n${program} was ended by ${signal}`;
      resolve({ succeeded: status === 0, output });
    });
  });
