// node export-hooks.mjs FOLDER [--credentials FILE]
// Writes all hooks of a service to FOLDER/hooks.json, and the roles that they need to FOLDER/roles.json.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allPages, connect } from './service.mjs';

const { values, positionals } = parseArgs({ options: { credentials: { type: 'string' } }, allowPositionals: true });
const [folder] = positionals;
if (folder === undefined) throw new Error('Usage: node export-hooks.mjs FOLDER [--credentials FILE]');

const { rootUrl, hooks, auth } = await connect(values.credentials);

const groups = [];
for (const group of (await hooks.listHookGroups()).groups) groups.push((await hooks.listHooks(group)).hooks);

/** Whether a scope `assume:<held>` gives something of this role; both may end in a star. */
const gives = (held, roleId) => {
  const [wide, narrow] = [held, roleId].map((name) => (name.endsWith('*') ? name.slice(0, -1) : undefined));
  if (wide !== undefined && narrow !== undefined) return wide.startsWith(narrow) || narrow.startsWith(wide);
  if (wide !== undefined) return roleId.startsWith(wide);
  return narrow === undefined ? held === roleId : held.startsWith(narrow);
};

// The roles of hooks, and those that they assume, and so on. `<..>` stands for what a star matched, which may be anything.
const roles = await allPages((query) => auth.listRoles2(query), 'roles');
const needed = new Set(roles.filter(({ roleId }) => gives('hook-id:*', roleId)));
for (const { scopes } of needed) {
  for (const scope of scopes.filter((one) => one.startsWith('assume:'))) {
    const held = scope.slice('assume:'.length).replace(/<\.\.>.*/, '*');
    for (const role of roles) if (gives(held, role.roleId)) needed.add(role);
  }
}

const writeList = async (name, list) => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), `${JSON.stringify(list, null, 2)}\n`);
  return list.length;
};
const hookCount = await writeList('hooks.json', groups.flat());
const roleCount = await writeList(
  'roles.json',
  [...needed].map(({ roleId, description, scopes }) => ({ roleId, description, scopes })),
);
console.log(`Wrote ${hookCount} hooks and ${roleCount} roles of ${rootUrl} to ${folder}.`);
