// The options of backup and restore that say where the data are.
import type { Option } from '../cli/command.ts';

/** Those of serve that say where the data are. */
export const DATA_OPTIONS: readonly Option[] = [
  { name: 'data', value: 'FOLDER', isFile: true, help: 'The data folder (HOOKWRIGHT_DATA, default .hookwright)' },
  {
    name: 'database-url',
    value: 'URL',
    help: 'The PostgreSQL that is used instead of the embedded one (DATABASE_URL)',
  },
  {
    name: 'encryption-key-file',
    value: 'FILE',
    isFile: true,
    help: 'The encryption key, if it is not in the data folder (the key itself: HOOKWRIGHT_ENCRYPTION_KEY)',
  },
  { name: 'config', value: 'FILE', isFile: true, help: 'The configuration file of serve (HOOKWRIGHT_CONFIG)' },
];
