// Writes types/tlon_hooks.d.ts and docs/script-types.md from the schemas:  node scripts/run.js
// scripts/generate-script-types.ts
import { writeFileSync } from 'node:fs';
import { authorDeclarations, typesPage } from '../src/script-hooks/declarations.ts';

const write = (path: string, text: string): void => writeFileSync(new URL(`../${path}`, import.meta.url), text);

write('types/tlon_hooks.d.ts', authorDeclarations());
write('docs/script-types.md', typesPage());
