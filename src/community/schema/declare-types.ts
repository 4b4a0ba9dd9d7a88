// Writes the types of this folder down as TypeScript, for the declarations that script authors use
// and for the documentation.
import type { TSchema } from 'typebox';
import type { Node } from './schema.ts';

export type DeclaredType = { readonly name: string; readonly description: string; readonly definition: string };

/**
 * A type each, in the order given. A type that another one uses stands there by its name, or by
 * what `spelled` says instead.
 */
export const declareTypes = (
  types: Readonly<Record<string, TSchema>>,
  spelled: Readonly<Record<string, string>> = {},
): DeclaredType[] =>
  Object.entries(types).map(([name, schema]) => ({
    name,
    description: (schema as Node).description ?? '',
    definition: definitionOf(schema as Node, name, spelled),
  }));

const definitionOf = (node: Node, name: string, spelled: Readonly<Record<string, string>>): string => {
  const body = node.$ref !== undefined && node.$defs?.[node.$ref] !== undefined ? node.$defs[node.$ref] : node;
  return write({ ...(body as Node), title: '' }, { name, spelled }, true);
};

type Outer = { readonly name: string; readonly spelled: Readonly<Record<string, string>> };

/** `outer` is the type that is being defined: its own title is not a reference to itself. */
const write = (node: Node, outer: Outer, isTop = false): string => {
  if (!isTop && node.title !== undefined && node.title !== '') return outer.spelled[node.title] ?? node.title;
  if (node.$ref !== undefined) return node.$ref;
  if (node.anyOf !== undefined) {
    const branches = node.anyOf.map((branch) => write(branch, outer));
    return isTop ? branches.map((branch) => `\n  | ${branch}`).join('') : branches.join(' | ');
  }
  if (node.type === 'array') return arrayOf(write(node.items ?? {}, outer));
  if (node.patternProperties !== undefined) {
    return `Record<string, ${write(Object.values(node.patternProperties)[0] ?? {}, outer)}>`;
  }
  if (node.type === 'object') return writeObject(node, outer, isTop);
  return node.type ?? 'any';
};

const arrayOf = (item: string): string => (/[ |]/.test(item) ? `Array<${item}>` : `${item}[]`);

const writeObject = (node: Node, outer: Outer, isTop: boolean): string => {
  const required = new Set(node.required);
  const fields = Object.entries(node.properties ?? {}).map(([key, field]) => {
    const name = /^[a-z_]+$/i.test(key) ? key : JSON.stringify(key);
    return `${name}${required.has(key) ? '' : '?'}: ${write(field, outer)}`;
  });
  return isTop ? `{\n${fields.map((field) => `  ${field};\n`).join('')}}` : `{ ${fields.join('; ')} }`;
};
