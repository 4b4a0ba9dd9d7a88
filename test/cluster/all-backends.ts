// The kinds of deployments that a cluster test can run on.
import type { StartBackend } from './backends.ts';
import { startStandaloneBackend } from './standalone-backend.ts';

export const BACKENDS = {
  standalone: startStandaloneBackend,
} as const satisfies Record<string, StartBackend>;
