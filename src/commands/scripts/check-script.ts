// hookwright scripts check: tries a script on the cases that stand beside it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Event } from '../../community/types/event.ts';
import { describeError } from '../../core/errors.ts';
import { optionProblem } from '../../core/option-problem.ts';
import type { Script } from '../../script-hooks/dry-run/bundle.ts';
import { readCases, runCase } from '../../script-hooks/dry-run/cases.ts';
import { ownPlace, textOf, visible } from '../../script-hooks/dry-run/explain.ts';
import { createSandbox } from '../../script-hooks/index.ts';
import type { Command, CommandIo } from '../cli/command.ts';
import { buildScript, hookNameOf, openScript, readJsonFile } from './script-files.ts';

const USAGE = `hookwright scripts check SCRIPT [--cases FILE] [--json]

Runs a script on the cases in SCRIPT's NAME.cases.json, and says which of them do not come out as expected.

  --cases FILE   the cases, instead of those beside the script
  --json         says it as JSON

A case is {"title", "event", "change", "bowl", "seed", "expect": {"outcome", "reason", "state", "effects",
"effectsContain", "changes", "prints", "dropped"}}. "event" is an event, or the name of a file with one: beside the
cases, in events/ there, or in ../events/, with or without .json. "change" puts values into it, by path. What "expect"
leaves out may be anything; only "changes" and "dropped" must be empty then.
Exit status: 0 all as expected, 1 not, 2 called wrongly.
`;

const MISUSE = 2;

const OPTIONS = {
  cases: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const checkScript: Command = {
  summary: 'Try a script on the cases that stand beside it',
  usage: USAGE,
  run: async (args, io) => {
    const call = readCall(args);
    if (typeof call === 'string') {
      (call === USAGE ? io.stdout : io.stderr).write(call);
      return call === USAGE ? 0 : MISUSE;
    }
    try {
      const results = await check(call, io);
      const failed = results.filter(({ problems }) => problems.length > 0).length;
      io.stdout.write(call.json ? `${JSON.stringify(results, null, 2)}\n` : visible(inWords(results, failed)));
      return failed === 0 ? 0 : 1;
    } catch (error) {
      io.stderr.write(`${visible(describeError(error))}\n`);
      return 1;
    }
  },
};

type Call = { readonly script: string; readonly cases: string | undefined; readonly json: boolean };
type Result = { readonly title: string; readonly problems: readonly string[] };

const readCall = (args: readonly string[]): Call | string => {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    if (values.help === true) return USAGE;
    const [script, ...rest] = positionals;
    if (script === undefined || rest.length > 0) return `Name one script.\n\n${USAGE}`;
    return { script, cases: values.cases, json: values.json === true };
  } catch (error) {
    return `${optionProblem(error, Object.keys(OPTIONS))}.\n\n${USAGE}`;
  }
};

const check = async (call: Call, io: CommandIo): Promise<Result[]> => {
  const script = await openScript(call.script, io);
  const name = call.cases ?? `${call.script.slice(0, call.script.length - extname(call.script).length)}.cases.json`;
  const path = resolve(io.cwd, name);
  if (!existsSync(path))
    throw new Error(`There are no cases at ${name}. Write them there, or name them with --cases FILE`);
  const cases = await casesIn(name, io);
  await using sandbox = createSandbox({ workers: 1 });
  await using hook = await buildScript(script, sandbox);
  const results: Result[] = [];
  for (const one of cases) {
    const { outcome, problems } = await runCase(
      hook,
      one,
      (event) => readEvent(event, dirname(path)),
      hookNameOf(call.script),
    );
    const place = outcome.outcome === 'failed' ? whereabouts(outcome, script) : [];
    results.push({ title: one.title, problems: problems.length === 0 ? [] : [...problems, ...place] });
  }
  return results;
};

const casesIn = async (name: string, io: CommandIo) => {
  const content = await readJsonFile(name, io);
  try {
    return readCases(content);
  } catch (error) {
    throw new Error(`${name}: ${describeError(error)}`);
  }
};

const whereabouts = (outcome: Parameters<typeof ownPlace>[0], script: Script): string[] => {
  const place = ownPlace(outcome, script.placeOf);
  return place === undefined ? [] : [`at ${textOf(place)}`];
};

const readEvent = (name: string, folder: string): Event => {
  const places = [name, `${name}.json`, `events/${name}.json`, `../events/${name}.json`].map((place) =>
    resolve(folder, place),
  );
  const path = places.find((place) => place.endsWith('.json') && existsSync(place));
  if (path === undefined) throw new Error(`There is no event ${name} in ${folder}, nor in events/ or ../events/`);
  return JSON.parse(readFileSync(path, 'utf8'));
};

const inWords = (results: readonly Result[], failed: number): string => {
  const lines = results.flatMap(({ title, problems }) => [
    `${problems.length === 0 ? '✔' : '✖'} ${title}`,
    ...problems.map((problem) => `    ${problem}`),
  ]);
  const count = `${results.length} case${results.length === 1 ? '' : 's'}`;
  return `${lines.join('\n')}\n\n${count}, ${failed === 0 ? 'all as expected' : `${failed} not as expected`}\n`;
};
