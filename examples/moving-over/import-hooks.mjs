// node import-hooks.mjs FOLDER [--credentials FILE] [--asleep] [--without-roles]
// Makes the hooks and roles that export-hooks.mjs wrote. May be run again: what is equal is left, a hook that differs is replaced.
//   --asleep         without schedules and bindings, so that nothing but a call fires them
//   --check          changes nothing, and says what differs
//   --without-roles  of the hooks only
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { connect } from './service.mjs';

const flag = { type: 'boolean', default: false };
const { values, positionals } = parseArgs({
  options: { credentials: { type: 'string' }, asleep: flag, check: flag, 'without-roles': flag },
  allowPositionals: true,
});
const [folder] = positionals;
if (folder === undefined)
  throw new Error('Usage: node import-hooks.mjs FOLDER [--credentials FILE] [--asleep | --check]');

const { rootUrl, hooks, auth } = await connect(values.credentials);
const readJson = async (path) => JSON.parse(await readFile(path, 'utf8'));
const firstLines = (error) => String(error.message).trim().split('\n\n---')[0];

const counts = { made: 0, replaced: 0, equal: 0, 'with a problem': 0 };
const count = (what) => {
  counts[what] += 1;
};
const complain = (name, problem) => {
  count('with a problem');
  console.log(`${name}: ${problem}`);
};

/** `undefined` when there is none. */
const found = async (looking) => {
  try {
    return await looking;
  } catch (error) {
    if (error.statusCode === 404) return undefined;
    throw error;
  }
};

const bringRole = async ({ roleId, description, scopes }) => {
  const known = await found(auth.role(roleId));
  if (known !== undefined) {
    const isEqual = isDeepStrictEqual(known.scopes.toSorted(), scopes.toSorted());
    // Nobody's authority is widened here: what a role that exists should hold is for people to say.
    return isEqual ? count('equal') : complain(`role ${roleId}`, 'is there with other scopes, and was left as it is');
  }
  if (values.check) return complain(`role ${roleId}`, 'is missing');
  await auth.createRole(roleId, { description, scopes });
  count('made');
};

const bringHook = async (exported) => {
  const { hookGroupId, hookId } = exported;
  const wanted = values.asleep ? { ...exported, schedule: [], bindings: [] } : exported;
  const known = await found(hooks.hook(hookGroupId, hookId));
  if (known !== undefined && isDeepStrictEqual(known, wanted)) return count('equal');
  if (values.check) return complain(`hook ${hookGroupId}/${hookId}`, known === undefined ? 'is missing' : 'differs');
  await (known === undefined ? hooks.createHook : hooks.updateHook).call(hooks, hookGroupId, hookId, wanted);
  count(known === undefined ? 'made' : 'replaced');
};

/** One that is refused does not keep the others from coming. */
const bring = async (name, bringing) => {
  try {
    await bringing();
  } catch (error) {
    complain(name, firstLines(error));
  }
};

if (!values['without-roles']) {
  for (const role of await readJson(join(folder, 'roles.json')))
    await bring(`role ${role.roleId}`, () => bringRole(role));
}
for (const hook of await readJson(join(folder, 'hooks.json'))) {
  await bring(`hook ${hook.hookGroupId}/${hook.hookId}`, () => bringHook(hook));
}

const summary = Object.entries(counts).flatMap(([what, number]) => (number === 0 ? [] : [`${number} ${what}`]));
console.log(`${rootUrl}: ${summary.join(', ') || 'nothing to do'}.`);
process.exitCode = counts['with a problem'] === 0 ? 0 : 1;
