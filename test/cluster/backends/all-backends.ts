// The kinds of deployments that a cluster test can run on.
import type { StartBackend } from './backend.ts';
import { startDeploymentBackend } from './deployment-backend.ts';
import { startStandaloneBackend } from './standalone-backend.ts';

export const BACKENDS = {
  deployment: startDeploymentBackend,
  standalone: startStandaloneBackend,
} as const satisfies Record<string, StartBackend>;
