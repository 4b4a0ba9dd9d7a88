// hookwright init script NAME: a folder with a script to begin with, its types, and an event to try
// it on.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { authorDeclarations } from '../../script-hooks/declarations.ts';
import type { Command } from '../cli/command.ts';

const USAGE = `hookwright init script NAME

Makes the folder NAME with a script hook, the types that an editor completes it with, and an event to try it on.
`;

export const initScript: Command = {
  summary: 'Start a script hook: a script, its types and a test event',
  usage: USAGE,
  run: async (args, { stdout, stderr, cwd }) => {
    const [name, ...rest] = args[0] === 'script' ? args.slice(1) : args;
    if (name === '--help' || name === '-h') {
      stdout.write(USAGE);
      return 0;
    }
    if (name === undefined || rest.length > 0 || !/^[\w.-]+$/.test(name) || /^[.-]/.test(name)) {
      stderr.write(`Name the script, with letters, digits and -.\n\n${USAGE}`);
      return 2;
    }
    const folder = resolve(cwd, name);
    if (existsSync(folder)) {
      stderr.write(`There is already a ${name} here. Choose another name, or move it away.\n`);
      return 1;
    }
    mkdirSync(folder);
    for (const [file, text] of Object.entries(FILES)) writeFileSync(join(folder, file), text);
    stdout.write(
      `Made ${name}/ with ${Object.keys(FILES).join(', ')}.\nTry it: hookwright simulate ${name}/hook.js --event ${name}/event.json\n`,
    );
    return 0;
  },
};

const HOOK = `// A hook is a function of an event. It says whether the event may happen, and what else should be done.
// Its types stand in tlon_hooks.d.ts; an editor shows them.
const hooks = require("tlon_hooks");

/** @type {import("tlon_hooks").Hook} */
module.exports = (event) => {
  const post = event["on-post"]?.add;
  if (post === undefined) return { event: { allowed: event }, effects: [] };

  const state = hooks.get_state() ?? { greeted: [] };
  const author = post.essay.author;
  if (state.greeted.includes(author)) return { event: { allowed: event }, effects: [] };

  state.greeted.push(author);
  hooks.set_state(state);
  hooks.print("a first post by " + author);
  return { event: { allowed: event }, effects: [hooks.effects.post_here("Welcome, " + author + "!")] };
};
`;

const EVENT = {
  'on-post': {
    add: {
      seal: { id: '170141184507313431682019536779450777600', replies: {}, reacts: {} },
      revision: '0',
      essay: {
        content: [{ inline: ['hello, club'] }],
        author: '~sampel-palnet',
        sent: 1743465600000,
        'kind-data': { chat: null },
      },
    },
  },
};

const FILES: Readonly<Record<string, string>> = {
  'hook.js': HOOK,
  'event.json': `${JSON.stringify(EVENT, null, 2)}\n`,
  'tlon_hooks.d.ts': authorDeclarations(),
  'jsconfig.json': `${JSON.stringify({ compilerOptions: { target: 'es2023', lib: ['es2023'], types: [], checkJs: true, strict: true, exactOptionalPropertyTypes: true, noImplicitAny: false, noEmit: true, module: 'preserve' }, include: ['*.js', '*.ts'] }, null, 2)}\n`,
};
