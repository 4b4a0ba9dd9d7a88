// What a command of the command line is. The table of all of them is command-table.ts;
// call-command.ts finds a command in it by its words.
import type { Readable } from 'node:stream';
import type { Clock } from '../../core/clock.ts';
import type { Connection } from '../calls/api-connection.ts';
import type { Output } from './output.ts';

/** A terminal, a file or a pipe. */
export type Input = NodeJS.ReadStream | (Readable & { readonly isTTY?: false });

export type CommandIo = {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Absent: that of the process. */
  readonly stdin?: Input;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
};

/** A command that reads its arguments itself. */
export type Command = {
  /** One line for `hookwright help`. */
  readonly summary: string;
  /** What `hookwright help NAME` prints. */
  readonly usage: string;
  /**
   * Resolves with the exit status. Throws OperatorError for what the person at the terminal can
   * mend.
   */
  readonly run: (args: readonly string[], io: CommandIo) => Promise<number>;
};

export type Argument = {
  /** As help shows it: `GROUP/HOOK`. */
  readonly name: string;
  readonly help: string;
  readonly isOptional?: true;
  /** Absent: an empty one is taken for a variable of a script that was not set. */
  readonly mayBeEmpty?: true;
  /** Completed with the names of files; `-` is standard input. */
  readonly isFile?: true;
};

export type Option = {
  /** Without hyphens. */
  readonly name: string;
  /** How help calls its value; absent: it is there or not. */
  readonly value?: string;
  readonly isFile?: true;
  /** May be given several times. */
  readonly isList?: true;
  readonly help: string;
};

/**
 * A line of the table: what parses the command's arguments, what help and completion say of it, and
 * how to load what runs it.
 */
export type CommandEntry = {
  /** The words that call it: `['hooks', 'create']`. */
  readonly words: readonly string[];
  readonly summary: string;
  /**
   * Goes on when standard output cannot be written: the server, whose output is beside its work,
   * and what reports a failed write itself.
   */
  readonly goesOnUnread?: true;
} & (ReadCommandEntry | OwnCommandEntry);

export type ReadCommandEntry = {
  readonly kind: 'read';
  readonly args: readonly Argument[];
  readonly options: readonly Option[];
  /** More for help, below the summary. */
  readonly notes?: string;
  readonly examples?: readonly string[];
  readonly load: () => Promise<Run>;
};

/** Reads its arguments itself; the options are told for completion. */
export type OwnCommandEntry = {
  readonly kind: 'own';
  readonly options: () => Promise<readonly Option[]>;
  readonly load: () => Promise<Command>;
};

/** Resolves with the exit status. What it throws, explain-error.ts explains. */
export type Run = (call: Call) => Promise<number>;

/** One call of a command, its arguments read. */
export type Call = {
  /** The value of an argument that must be there. */
  readonly argument: (name: string) => string;
  /** The value of an argument that may be missing, or an option with a value. */
  readonly text: (name: string) => string | undefined;
  /** The values of an option that may be given several times. */
  readonly list: (name: string) => readonly string[];
  readonly has: (name: string) => boolean;
  /** The whole table, for completion. */
  readonly commands: readonly CommandEntry[];
  readonly output: Output;
  readonly stdin: Input;
  /** For data. What people read goes through `output`. */
  readonly stdout: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly clock: Clock;
  /** What to do when the command fails from here on, in place of general advice. */
  readonly advise: (cure: string | undefined) => void;
  /**
   * Clients of the server's services. Asked again, it looks again: a server that was started anew
   * may be elsewhere.
   */
  readonly connect: () => Promise<Connection>;
};
