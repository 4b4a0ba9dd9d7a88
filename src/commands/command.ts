// What a command is. main.ts finds it by its name and runs it.

export type CommandIo = {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
};

export type Command = {
  /** One line for `hookwright help`. */
  readonly summary: string;
  /** How it is called, with its options. */
  readonly usage: string;
  /** Runs it with what stands after its name; resolves to the exit status. */
  readonly run: (args: readonly string[], io: CommandIo) => Promise<number>;
};
