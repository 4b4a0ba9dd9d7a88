// The one table of all commands: help, completion and what runs come from it. Nothing of a command
// is loaded before it is called.
import { AUTH_ENTRIES } from './auth/auth-entries.ts';
import type { CommandEntry } from './cli/command.ts';
import { COMMUNITY_ENTRIES } from './community/community-entries.ts';
import { DATA_ENTRIES } from './data/data-entries.ts';
import { DEMO_ENTRIES } from './demo/demo-entry.ts';
import { FIRE_ENTRIES } from './fires/fire-entries.ts';
import { HOOK_ENTRIES } from './hooks/hook-entries.ts';
import { PULSE_ENTRIES } from './pulse/pulse-entries.ts';
import { HOSTED_SCRIPT_ENTRIES } from './scripts/script-entries.ts';
import { SCRIPT_ENTRIES, SERVER_ENTRIES, SHELL_ENTRIES } from './server/server-entries.ts';
import { WEBHOOK_ENTRIES } from './webhooks/webhook-entries.ts';

/** In the order in which help shows them. */
export const COMMANDS: readonly CommandEntry[] = [
  ...SERVER_ENTRIES,
  ...DATA_ENTRIES,
  ...HOOK_ENTRIES,
  ...WEBHOOK_ENTRIES,
  ...FIRE_ENTRIES,
  ...PULSE_ENTRIES,
  ...AUTH_ENTRIES,
  ...COMMUNITY_ENTRIES,
  ...SCRIPT_ENTRIES,
  ...HOSTED_SCRIPT_ENTRIES,
  ...DEMO_ENTRIES,
  ...SHELL_ENTRIES,
];
