// The documents that come with the program, as they lie beside it: docs/, examples/, and some files
// of the top folder.
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The same from src/ and from dist/. */
const ROOT = new URL('../../../', import.meta.url);
const FILES = ['docs/**/*.md', 'examples/**/*.*', 'CHANGELOG.md', 'SECURITY.md'];

/** Path in the project → path in URLs: `docs/tour.md` → `/docs/tour`. */
export const findDocuments = (): ReadonlyMap<string, string> => {
  const found = globSync(FILES, { cwd: fileURLToPath(ROOT) }).map((file) => file.replaceAll('\\', '/'));
  return new Map(found.sort().map((file) => [file, urlOf(file)]));
};

/** A folder of the documentation is the page that introduces it. */
const urlOf = (file: string): string =>
  file.startsWith('docs/') ? `/${file.replace(/(\/README)?\.md$/, '')}` : `/docs/${file.replace(/\.md$/, '')}`;

export const readDocument = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');
