// The version of this program, as package.json has it.
import { readFileSync } from 'node:fs';

type Manifest = {
  readonly version: string;
  readonly repository?: string | { readonly url: string };
  /** The commit, where whoever packed the program wrote it in. */
  readonly gitHead?: string;
};

/** The package's folder is one up, both from src/ and from dist/. */
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Manifest;
const { version, repository = '', gitHead = '' } = manifest;

export const VERSION: string = version;

/**
 * What `__version__` answers: where a build comes from. What is not known is empty, as in the
 * reference service.
 */
export const BUILD = {
  version,
  commit: gitHead,
  source: typeof repository === 'string' ? repository : repository.url,
  build: '',
} as const;
