// A line of the table of commands for one that calls a server: it has the options that say which,
// and as whom.
import type { Argument, CommandEntry, Option, Run } from './cli/command.ts';

export type ServerCallParts = {
  readonly args?: readonly Argument[];
  readonly options?: readonly Option[];
  readonly notes?: string;
  readonly examples?: readonly string[];
};

export const JSON_OPTION: Option = { name: 'json', help: 'Answer in JSON' };

const CONNECTION_OPTIONS: readonly Option[] = [
  JSON_OPTION,
  {
    name: 'data',
    value: 'FOLDER',
    isFile: true,
    help: 'Data folder of the server, with its root client (default .hookwright)',
  },
  { name: 'root-url', value: 'URL', help: 'Where the server is; credentials from TASKCLUSTER_* or hookwright login' },
  { name: 'client-id', value: 'ID', help: 'As which client' },
];

export const serverCall = (
  words: string,
  summary: string,
  load: () => Promise<Run>,
  { args = [], options = [], ...more }: ServerCallParts = {},
): CommandEntry => ({
  ...{ kind: 'read', words: words.split(' '), summary, args, options: [...options, ...CONNECTION_OPTIONS] },
  ...more,
  load,
});
