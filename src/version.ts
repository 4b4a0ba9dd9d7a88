// The version of this program, as package.json has it.
import { readFileSync } from 'node:fs';

/** The package's folder is one up, both from src/ and from dist/. */
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

export const VERSION: string = manifest.version;
