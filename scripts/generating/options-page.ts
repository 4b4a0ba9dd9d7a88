// docs/configuration.md with the options that there are now.
import { optionsTable } from '../../src/options.ts';

const BEGIN = '<!-- Generated from src/options.ts by scripts/generate-configuration.ts -->\n';
const END = '<!-- end of what is generated -->\n';

export const withOptions = (page: string): string => {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/configuration.md has no place for the options: ${BEGIN}…${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n${optionsTable()}\n${page.slice(end)}`;
};
