// The rules of the house (docs/architecture.md) as a function from source files to what is wrong
// with them.
import { basename, dirname, join } from 'node:path/posix';
import { importsOf, lineAt, onlyCode } from './source-text.ts';

/** Path below src/ → text. */
export type Files = ReadonlyMap<string, string>;

/** From the roof to the ground: a room imports from its own floor and from those below. */
const FLOORS: readonly (readonly string[])[] = [
  ['main.ts'],
  ['commands'],
  ['app.ts'],
  ['assembly'],
  ['config.ts'],
  ['options.ts'],
  ['task-hooks', 'script-hooks', 'airlock'],
  ['community', 'queue'],
  ['ledger', 'timers', 'auth', 'broker', 'mail'],
  ['taskcluster'],
  ['http', 'database'],
  ['core', 'version.ts'],
];

/**
 * Inside a room arrows point down, too: folder → its floors. Files that stand beside folders and
 * are not named here may be used by all, as long as no circle arises.
 */
const INNER_FLOORS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'task-hooks': [
    ['task-hooks.ts'],
    ['api'],
    ['versions'],
    ['deliveries'],
    ['messages', 'schedule', 'replay'],
    ['dry-run'],
    ['firing'],
    ['hooks'],
    ['evaluation'],
    ['webhooks'],
    ['definition.ts'],
  ],
  'task-hooks/evaluation': [['json-e', 'schemas']],
  'task-hooks/webhooks': [['bodies'], ['schemes']],
  'task-hooks/firing': [['at-once', 'repeats']],
  'script-hooks': [
    ['api'],
    ['hosting'],
    ['library'],
    ['dry-run'],
    ['build-hook.ts'],
    ['sandbox'],
    ['engine'],
    ['guest'],
  ],
  community: [
    ['community.ts'],
    ['api'],
    ['turns', 'actions'],
    ['groups', 'channels', 'ships', 'chat', 'activity', 'contacts'],
    ['acting.ts', 'changes'],
    ['types'],
    ['schema'],
  ],
  airlock: [['airlock.ts'], ['serving'], ['channels', 'sessions'], ['agents'], ['vocabulary']],
  'airlock/agents': [
    ['agents.ts'],
    ['groups-ui'],
    ['groups', 'channels', 'chat', 'activity', 'contacts', 'hooks', 'settings'],
    ['agent.ts'],
  ],
  timers: [['schedule']],
  queue: [['taskcluster'], ['standalone'], ['queue.ts']],
  'queue/standalone': [['standalone-queue.ts', 'api.ts'], ['claims'], ['tasks']],
  auth: [['standalone-auth.ts', 'taskcluster-auth.ts'], ['api'], ['clients'], ['signatures'], ['roles'], ['scopes.ts']],
  broker: [['api.ts'], ['rabbitmq'], ['in-database'], ['broker.ts']],
  'broker/rabbitmq': [['rabbitmq-broker.ts'], ['tools.ts'], ['consuming', 'publishing'], ['topology'], ['connection']],
  commands: [
    ['command-table.ts'],
    ['server', 'scripts', 'pulse', 'auth', 'community', 'demo', 'webhooks', 'fires'],
    ['hooks', 'data'],
    ['server-call.ts'],
    ['cli'],
    ['calls'],
  ],
  'commands/cli': [['input'], ['command.ts']],
  core: [['files', 'process']],
  database: [['backup', 'start'], ['embedded']],
  http: [['pages'], ['references'], ['bodies', 'answers', 'senders']],
  ledger: [['search'], ['payloads']],
  'task-hooks/api': [['ledger', 'webhooks']],
};

const MOST_FILES_IN_A_FOLDER = 15;

const NEVER: readonly (readonly [string, string])[] = [
  ['task-hooks', 'script-hooks'],
  ['script-hooks', 'task-hooks'],
  ['community', 'script-hooks'],
  ['airlock', 'script-hooks'],
  ['script-hooks', 'airlock'],
];

/** Time and chance come from core/, so that a test can hold them in its hands. */
const TIME_AND_CHANCE: readonly RegExp[] = [
  /\bDate\s*\.\s*now\b/g,
  /\bnew\s+Date\s*(?:\(\s*\)|(?!\s*\(|\s*[\w$.[]))/g,
  /(?<!new\s+|[\w$.])Date\s*\(/g,
  /(?<![\w$.])(?:setTimeout|setInterval)\b/g,
  /\bglobalThis\s*\.\s*(?:setTimeout|setInterval)\b/g,
  /\bMath\s*\.\s*random\b/g,
  /\bperformance\s*\.\s*now\b/g,
  /\bprocess\s*\.\s*hrtime\b/g,
];

/** Files that may use them all the same, each with its reason beside it. */
const MAY_USE_TIME: readonly string[] = [];

export const LONGEST_FILE_LINES = 400;

export const isTest = (path: string): boolean => /\.test\.ts$|(^|\/)test-support\//.test(path);

const roomOf = (path: string): string => path.split('/')[0] ?? path;

const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room));

/** One line for each violation, in the form `src/<file>:<line>: what`. */
export const findViolations = (files: Files): string[] => {
  const paths = [...files.keys()].sort();
  const code = paths.filter((path) => !isTest(path));
  return [
    ...code.flatMap((path) => checkImports(path, files)),
    ...findCircles(roomGraph(code, files)).map((circle) => `rooms import in a circle: ${circle.join(' → ')}`),
    ...findCircles(folderGraph(code, files)).map((circle) => `folders import in a circle: ${circle.join(' → ')}`),
    ...findCircles(fileGraph(code, files)).map((circle) => `files import in a circle: ${circle.join(' → ')}`),
    ...checkFolders(code),
    ...code.flatMap((path) => checkInnerFloors(path, files)),
    ...code.filter((path) => roomOf(path) !== 'core').flatMap((path) => checkTime(path, files)),
    // Declarations of other people's modules have what those have.
    ...paths.filter((path) => !path.endsWith('.d.ts')).flatMap((path) => checkDefaultExports(path, files)),
    ...code.flatMap((path) => checkLength(path, files)),
  ];
};

export const linesOf = (text: string): number => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

type ResolvedImport = { readonly target: string; readonly isType: boolean; readonly line: number };

/** Imports of other files of src/. What leads out of src/ begins with `../`. */
const localImports = (path: string, text: string): ResolvedImport[] =>
  importsOf(text).flatMap(({ specifier, isType, line }) =>
    specifier?.startsWith('.') ? [{ target: join(dirname(path), specifier), isType, line }] : [],
  );

const checkImports = (path: string, files: Files): string[] => {
  const text = files.get(path) ?? '';
  const from = roomOf(path);
  if (floorOf(from) === -1) return [`src/${path}: the house has no room "${from}"; see FLOORS in house-rules.ts`];
  const problems = localImports(path, text).flatMap(({ target, line }) => {
    const at = `src/${path}:${line}`;
    const to = roomOf(target);
    if (target.startsWith('../')) return [`${at}: imports ${target.slice(3)}, which is not in src/`];
    if (!files.has(target)) return [`${at}: imports src/${target}, which does not exist`];
    if (isTest(target)) return [`${at}: imports src/${target}, which is for tests`];
    if (to === from) return [];
    if (NEVER.some(([a, b]) => a === from && b === to)) return [`${at}: ${from} never imports ${to}`];
    if (floorOf(to) < floorOf(from)) return [`${at}: ${from} imports ${to}, which is above it`];
    return [];
  });
  const others = importsOf(text).flatMap(({ specifier, line }) => {
    if (specifier === undefined) return [`src/${path}:${line}: imports something computed, which no rule can check`];
    if (/^(node:)?timers(\/promises)?$/.test(specifier) && from !== 'core') {
      return [`src/${path}:${line}: imports ${specifier}; time comes from core/clock.ts`];
    }
    return [];
  });
  return [...problems, ...others];
};

/** Where the ways to two files part: the folder that both are in, and what of it each is in. */
const partingOf = (path: string, target: string) => {
  const [from, to] = [path.split('/'), target.split('/')];
  let depth = 0;
  while (from[depth] === to[depth]) depth += 1;
  const isOfFiles = from.length === depth + 1 && to.length === depth + 1;
  return { folder: from.slice(0, depth).join('/'), from: from[depth] ?? '', to: to[depth] ?? '', isOfFiles };
};

const innerFloorOf = (folder: string, name: string): number =>
  INNER_FLOORS[folder]?.findIndex((names) => names.includes(name)) ?? -1;

const checkInnerFloors = (path: string, files: Files): string[] =>
  localImports(path, files.get(path) ?? '').flatMap(({ target, line }) => {
    if (target === path) return [];
    const { folder, from, to } = partingOf(path, target);
    const [above, below] = [innerFloorOf(folder, from), innerFloorOf(folder, to)];
    if (above === -1 || below === -1 || below >= above) return [];
    return [`src/${path}:${line}: imports src/${target}, but in ${folder}/ ${to} is above ${from}`];
  });

/** None is so full that nobody finds anything in it. */
export const findFullFolders = (paths: readonly string[]): string[] => {
  const filesIn = Map.groupBy(paths, dirname);
  return [...filesIn].flatMap(([folder, { length }]) =>
    length > MOST_FILES_IN_A_FOLDER
      ? [`${folder}: has ${length} files beside each other, at most ${MOST_FILES_IN_A_FOLDER} are allowed`]
      : [],
  );
};

/** Folders inside rooms have a floor. */
const checkFolders = (paths: readonly string[]): string[] => [
  ...findFullFolders(paths.map((path) => `src/${path}`)),
  ...[...new Set(paths.map(dirname))]
    .filter((folder) => folder.includes('/') && innerFloorOf(dirname(folder), basename(folder)) === -1)
    .map((folder) => `src/${folder}: has no floor in ${dirname(folder)}/; see INNER_FLOORS in house-rules.ts`),
];

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

const roomGraph = (paths: readonly string[], files: Files): Graph => {
  const graph = new Map<string, Set<string>>();
  for (const path of paths) {
    const targets = graph.get(roomOf(path)) ?? new Set();
    for (const { target } of localImports(path, files.get(path) ?? '')) {
      if (roomOf(target) !== roomOf(path)) targets.add(roomOf(target));
    }
    graph.set(roomOf(path), targets);
  }
  return graph;
};

/**
 * Folders inside rooms, and the files beside them; types count. Imports between files of one folder
 * are the affair of `fileGraph`.
 */
const folderGraph = (paths: readonly string[], files: Files): Graph => {
  const graph = new Map<string, Set<string>>();
  for (const path of paths) {
    for (const { target } of localImports(path, files.get(path) ?? '')) {
      if (roomOf(target) !== roomOf(path) || target === path) continue;
      const { folder, from, to, isOfFiles } = partingOf(path, target);
      if (isOfFiles) continue;
      const targets = graph.get(`${folder}/${from}`) ?? new Set();
      graph.set(`${folder}/${from}`, targets.add(`${folder}/${to}`));
    }
  }
  return graph;
};

/** What really runs: two files may name each other's types. */
const fileGraph = (paths: readonly string[], files: Files): Graph =>
  new Map(
    paths.map((path) => {
      const imports = localImports(path, files.get(path) ?? '').filter(({ isType }) => !isType);
      return [path, new Set(imports.map(({ target }) => target))];
    }),
  );

/** Each circle once, written from its alphabetically first member back to it. */
const findCircles = (graph: Graph): string[][] => {
  const circles = new Map<string, string[]>();
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]) => {
    const seenAt = way.indexOf(node);
    if (seenAt >= 0) {
      const circle = way.slice(seenAt);
      const first = circle.indexOf([...circle].sort()[0] as string);
      const turned = [...circle.slice(first), ...circle.slice(0, first)];
      circles.set(turned.join(), [...turned, turned[0] as string]);
      return;
    }
    if (done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...way, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return [...circles.values()];
};

const checkTime = (path: string, files: Files): string[] => {
  if (MAY_USE_TIME.includes(path)) return [];
  const code = onlyCode(files.get(path) ?? '');
  return TIME_AND_CHANCE.flatMap((pattern) =>
    [...code.matchAll(pattern)].map(
      ({ index, 0: found }) => `src/${path}:${lineAt(code, index)}: "${found.trim()}" belongs to core/ only`,
    ),
  );
};

const checkDefaultExports = (path: string, files: Files): string[] =>
  [...onlyCode(files.get(path) ?? '').matchAll(/\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g)].map(
    ({ index }) => `src/${path}:${lineAt(files.get(path) ?? '', index)}: has a default export`,
  );

const checkLength = (path: string, files: Files): string[] => {
  const lines = linesOf(files.get(path) ?? '');
  return lines > LONGEST_FILE_LINES
    ? [`src/${path}: has ${lines} lines, at most ${LONGEST_FILE_LINES} are allowed`]
    : [];
};
