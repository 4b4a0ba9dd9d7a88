// Writes the table of options into docs/configuration.md:  node scripts/run.js
// scripts/generate-configuration.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { withOptions } from './generating/options-page.ts';

const page = new URL('../docs/configuration.md', import.meta.url);
writeFileSync(page, withOptions(readFileSync(page, 'utf8')));
