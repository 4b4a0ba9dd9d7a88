// The API of script hooks as data: method, route, scopes, schemas.
import type { ApiDeclaration, MethodDeclaration } from '../../http/api-method.ts';
import { BODY_LIMIT_BYTES } from '../../http/bodies/body.ts';
import { DATE } from '../../http/request-checks.ts';
import { RUN_OUTCOMES } from '../library/run-rows.ts';
import { SCHEMAS } from './schemas.ts';

const ID = /^(0v[0-9a-v.]{1,40}|\d{1,39})$/;
const NEST = /^[a-z][a-z0-9-]{0,63}\/~[a-z-]{3,63}\/[a-z][a-z0-9-]{0,127}$/;
const RUN = /^[1-9]\d{0,14}$/;
const LIMIT = /^[1-9]\d{0,3}$/;
const OF = { hook: ID, origin: new RegExp(`^global$|${NEST.source}`) };

/** A source of 1 MiB, and what JSON makes of it. */
const SOURCE_BYTES = 4 * 1024 * 1024;

const script = { category: 'Script hooks', params: { scriptId: ID } } as const;
const channel = { category: 'Channels', params: { nest: NEST } } as const;
const runs = { category: 'Runs' } as const;
const read = { scopes: 'script-hooks:read' } as const;
const manage = { scopes: 'script-hooks:manage' } as const;

const METHODS = [
  {
    name: 'act',
    title: 'Add, edit, delete, order, configure',
    description:
      'Does one action, under its key: `add` and `edit` a hook, `del` it with all that it has; `order`, which hooks run on a channel and in which ' +
      'order; `config`, the settings of a hook for a channel; `cron`, run it by a schedule, in a channel or without one (`origin: null`), and ' +
      '`rest`, no longer. A source that does not compile is stored, and `error` says why; the one that ran before goes on running.',
    category: 'Script hooks',
    verb: 'POST',
    route: '/actions',
    ...manage,
    input: SCHEMAS.act,
    largestBody: SOURCE_BYTES,
    output: SCHEMAS.acted,
  },
  {
    name: 'listScripts',
    title: 'List script hooks',
    description: 'All script hooks of the host in the order of their ids, without their sources, at most 200 a page.',
    category: 'Script hooks',
    verb: 'GET',
    route: '/scripts',
    query: { continuationToken: ID, limit: LIMIT },
    ...read,
    output: SCHEMAS.list,
  },
  {
    ...script,
    name: 'script',
    title: 'Get a script hook',
    description: 'One script hook, with its source, where it runs, its settings and its crons.',
    verb: 'GET',
    route: '/scripts/<scriptId>',
    ...read,
    output: SCHEMAS.script,
  },
  {
    ...script,
    name: 'changeScript',
    title: 'Enable or disable a script hook',
    description:
      'Disables a hook, which keeps its places, its crons and its state; enables it again; says with `onError` whether an event passes when a run ' +
      'of it fails. What is left out stays as it is.',
    verb: 'POST',
    route: '/scripts/<scriptId>',
    ...manage,
    input: SCHEMAS.change,
    output: SCHEMAS.script,
  },
  {
    ...channel,
    name: 'exportTemplate',
    title: 'Get the hooks of a channel as a template',
    description:
      'The hooks that run on a channel or have a cron there, with their order, settings and crons; without their states.',
    verb: 'GET',
    route: '/template/<nest>',
    ...read,
    output: SCHEMAS.template,
  },
  {
    ...channel,
    name: 'setUpTemplate',
    title: 'Set a template up on a channel',
    description:
      'The channel has the order of the template from then on. A hook that is here with the same source is used, with what it has for other ' +
      'channels left as it is; one with another source is made anew.',
    verb: 'POST',
    route: '/template/<nest>',
    ...manage,
    input: SCHEMAS.setUp,
    largestBody: BODY_LIMIT_BYTES,
    output: SCHEMAS.wasSetUp,
  },
  {
    ...channel,
    name: 'preview',
    title: 'What runs on a channel',
    description: 'Names and descriptions of the hooks of a channel, for those who visit it.',
    verb: 'GET',
    route: '/preview/<nest>',
    scopes: { AnyOf: ['script-hooks:read', 'script-hooks:preview:<nest>'] },
    output: SCHEMAS.preview,
  },
  {
    ...runs,
    name: 'listRuns',
    title: 'List runs',
    description:
      'What became of each run, newest first: of all hooks, of one `hook`, or in one `origin` (a channel, or `global`). At most 100 a page, fewer ' +
      'where they are large.',
    verb: 'GET',
    route: '/runs',
    query: { ...OF, continuationToken: RUN, limit: LIMIT },
    ...read,
    output: SCHEMAS.runs,
  },
  {
    ...runs,
    name: 'searchRuns',
    title: 'Search runs',
    description:
      'What became of each run, newest first: those that fit `hook`, `origin`, `outcome` (several, with commas between them), `src` (who caused the ' +
      'event), `eventKind`, `since` (from then on), `until` (before then) and `text` (in the first 1,200 characters of the reason, whatever the ' +
      'case). At most 100 a page. A page takes a bounded time: where little fits it may hold less, or nothing, and `lookedUntil` says how far it ' +
      'came; the continuationToken goes on from there.',
    verb: 'GET',
    route: '/runs/search',
    query: {
      ...OF,
      outcome: new RegExp(`^(${RUN_OUTCOMES.join('|')})(,(${RUN_OUTCOMES.join('|')})){0,9}$`),
      src: /^~[a-z-]{3,63}$/,
      eventKind: /^[a-z][a-z/-]{0,63}$/,
      since: DATE,
      until: DATE,
      text: /^[^\0]{1,200}$/s,
      ...{ continuationToken: RUN, limit: LIMIT },
    },
    ...read,
    output: SCHEMAS.foundRuns,
  },
  {
    ...runs,
    name: 'followRuns',
    title: 'List runs that came since',
    description:
      'Runs with a larger id than `after`, oldest first, without those in `seen`. A run may come in a little behind one with a larger id: so ask ' +
      'for some more than the new ones, and name those that you have seen.',
    verb: 'GET',
    route: '/following-runs',
    query: { ...OF, after: /^\d{1,15}$/, seen: /^\d{1,15}(,\d{1,15}){0,299}$/, limit: LIMIT },
    ...read,
    output: SCHEMAS.runs,
  },
  {
    ...runs,
    name: 'run',
    title: 'Get a run',
    description: 'One run, with the event as the hook got it.',
    verb: 'GET',
    route: '/runs/<runId>',
    params: { runId: RUN },
    ...read,
    output: SCHEMAS.run,
  },
  {
    ...runs,
    name: 'replayRun',
    title: 'Repeat a run',
    description:
      'Runs the same source on the same event, with what it read then, and says whether the same comes out. Touches nothing. A run that read ' +
      'more than 64 KB, or whose source is not kept any more, is a conflict.',
    verb: 'POST',
    route: '/runs/<runId>/replay',
    params: { runId: RUN },
    ...read,
    output: SCHEMAS.replayed,
  },
  {
    ...runs,
    name: 'tryScript',
    title: 'Try a script on a channel',
    description:
      'Runs a script on the latest events of a channel, one after the other, and answers what it would have done. Touches nothing. Its state ' +
      'begins with `null`; messages and members are those of today. Takes at most 20 seconds.',
    verb: 'POST',
    route: '/try',
    scopes: { AllOf: ['script-hooks:read', 'script-hooks:try'] },
    input: SCHEMAS.try,
    largestBody: SOURCE_BYTES,
    output: SCHEMAS.tried,
  },
] as const satisfies readonly MethodDeclaration[];

type Declared = (typeof METHODS)[number];

/** Without `ping` and its like, which every service has (http/). */
export const SCRIPT_HOOKS_API: ApiDeclaration<MethodDeclaration & { readonly name: Declared['name'] }> = {
  service: 'script-hooks',
  title: 'Script Hooks Service',
  description: 'JavaScript functions that allow, change or deny what happens in the channels of this host.',
  methods: METHODS,
};
