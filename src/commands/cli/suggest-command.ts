// The command that somebody meant who typed one that does not exist.
import { OperatorError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import type { CommandEntry } from './command.ts';

/** What other programs call it, in the order in which a group's own words are looked for. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  ls: ['list'],
  all: ['list'],
  rm: ['remove', 'logout'],
  del: ['remove'],
  delete: ['remove'],
  destroy: ['remove'],
  unset: ['remove'],
  get: ['show'],
  cat: ['show'],
  info: ['show'],
  view: ['show'],
  read: ['show'],
  describe: ['show'],
  inspect: ['show'],
  new: ['create', 'init'],
  add: ['create', 'grant'],
  make: ['create'],
  set: ['update'],
  put: ['update'],
  apply: ['update', 'create'],
  change: ['update'],
  modify: ['update'],
  replace: ['update'],
  fire: ['trigger'],
  call: ['trigger'],
  run: ['trigger', 'serve'],
  invoke: ['trigger'],
  exec: ['trigger'],
  log: ['fires'],
  logs: ['fires'],
  events: ['fires'],
  history: ['fires'],
  runs: ['fires'],
  state: ['status'],
  stop: ['cancel', 'disable'],
  abort: ['cancel'],
  rotate: ['reset-token', 'token'],
  secret: ['token', 'reset-token'],
  send: ['publish'],
  post: ['publish'],
  emit: ['publish'],
  tail: ['watch', 'fires'],
  follow: ['watch', 'fires'],
  listen: ['watch'],
  subscribe: ['watch'],
  allow: ['grant'],
  start: ['serve'],
  server: ['serve'],
  up: ['serve'],
  daemon: ['serve'],
  dump: ['backup'],
  export: ['backup'],
  import: ['restore'],
  test: ['simulate', 'check'],
  validate: ['check'],
  verify: ['check'],
  signin: ['login'],
  auth: ['login'],
  signout: ['logout'],
  who: ['whoami'],
  me: ['whoami'],
  user: ['whoami', 'clients'],
  users: ['clients'],
  scopes: ['roles'],
};

/** The error that says what was not found, what may be meant, and where commands are listed. */
export const unknownCommand = (entries: readonly CommandEntry[], words: readonly string[]): OperatorError => {
  const [first = '', second] = words;
  if (first.startsWith('-')) {
    const rest = words.filter((word) => !word.startsWith('-'));
    const command = meantBy(entries, rest) ?? 'hooks list';
    const cure = `Options follow the command: hookwright ${command} ${first}. See: hookwright help`;
    return new OperatorError('HW_UNKNOWN_COMMAND', { command: first, cure });
  }
  const isGroup = second !== undefined && groupsOf(entries).has(first);
  const command = isGroup ? `${first} ${second}` : first;
  const meant = meantBy(entries, words);
  const see = `See: hookwright help${isGroup ? ` ${first}` : ''}`;
  const isKnown = meant === undefined || meant === first;
  return new OperatorError('HW_UNKNOWN_COMMAND', {
    command,
    cure: isKnown ? see : `Did you mean "hookwright ${meant}"? ${see}`,
  });
};

const groupsOf = (entries: readonly CommandEntry[]): ReadonlySet<string> =>
  new Set(entries.flatMap(({ words }) => (words.length > 1 ? [words[0] ?? ''] : [])));

/** The words of a command, or of a group when nothing is known of the second word. */
const meantBy = (entries: readonly CommandEntry[], words: readonly string[]): string | undefined => {
  const [first = '', second] = words.filter((word) => !word.startsWith('-'));
  const firsts = entries.map((entry) => entry.words[0] ?? '');
  const noun = meantWord(first, firsts);
  if (noun !== undefined) {
    const seconds = entries.flatMap((entry) => (entry.words[0] === noun ? (entry.words[1] ?? []) : []));
    const only = seconds.length === 1 ? seconds[0] : undefined;
    const verb = second === undefined ? only : (meantWord(second, seconds) ?? only);
    return verb === undefined ? noun : `${noun} ${verb}`;
  }
  // `create hook`, or `trigger` alone: the words in another order, or without the group.
  const other = second === undefined ? undefined : meantWord(second, firsts);
  const turned = entries.filter((entry) => other === undefined || entry.words[0] === other);
  const verb = meantWord(
    first,
    turned.flatMap((entry) => entry.words[1] ?? []),
  );
  return turned.find((entry) => verb !== undefined && entry.words[1] === verb)?.words.join(' ');
};

const meantWord = (word: string, known: readonly string[]): string | undefined => {
  if (known.includes(word)) return word;
  const others = Object.hasOwn(OTHER_NAMES, word) ? OTHER_NAMES[word] : [];
  return others?.find((one) => known.includes(one)) ?? nearest(word, known);
};
