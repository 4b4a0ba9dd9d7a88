// What a command of the command line is. One file a command; main.ts finds it by name.

export type CommandIo = {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
};

export type Command = {
  /** One line for `hookwright help`. */
  readonly summary: string;
  /** What `hookwright help NAME` prints. */
  readonly usage: string;
  /** Resolves with the exit status. Throws OperatorError for what the person at the terminal can mend. */
  readonly run: (args: readonly string[], io: CommandIo) => Promise<number>;
};
