// Writes client/hooks-api.ts from the declaration of the hooks API:  node scripts/run.js
// scripts/generate-client.ts
import { writeFileSync } from 'node:fs';
import { clientSources } from './generating/client-sources.ts';

for (const [path, text] of clientSources()) writeFileSync(new URL(`../${path}`, import.meta.url), text);
