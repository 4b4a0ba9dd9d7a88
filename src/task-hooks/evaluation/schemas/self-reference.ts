// A schema that refers to itself without going on to a part of the value never comes to an end:
// `{"allOf": [{"$ref": "#"}]}`. Ajv compiles it, and each check would overflow the stack.
import { type References, referencesIn, type SchemaNode } from './references.ts';
import { isInPlace, isSchema, subschemasOf } from './subschemas.ts';

type Edge = { readonly place: string; readonly to: SchemaNode };

/** The place of the first reference in a circle; undefined when there is none. */
export const findEndlessReference = (schema: unknown): string | undefined => {
  if (!isSchema(schema) || !/"\$(?:ref|recursiveRef|dynamicRef)"/.test(JSON.stringify(schema))) return undefined;
  const references = referencesIn(schema);
  const done = new Set<SchemaNode>();
  const under = new Set<SchemaNode>();
  const visit = (node: SchemaNode): string | undefined => {
    if (done.has(node)) return undefined;
    under.add(node);
    for (const { place, to } of edgesFrom(node, references)) {
      const found = under.has(to) ? place : visit(to);
      if (found !== undefined) return found;
    }
    under.delete(node);
    done.add(node);
    return undefined;
  };
  // All schemas, also those that only a reference from a part of the value leads to.
  for (const node of references.places.keys()) {
    const found = visit(node);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** To the schemas that meet the same value. */
const edgesFrom = (node: SchemaNode, { places, resolve, dynamic }: References): Edge[] => {
  const from = places.get(node) ?? '';
  const edges = subschemasOf(node).flatMap((below): Edge[] =>
    isInPlace(below) && isSchema(below.schema) ? [{ place: `${from}${below.place}`, to: below.schema }] : [],
  );
  const refer = (keyword: string, targets: readonly (SchemaNode | undefined)[]) => {
    for (const to of targets) if (to) edges.push({ place: `${from}/${keyword}`, to });
  };
  refer('$ref', [resolve(node, node.$ref)]);
  for (const keyword of ['$recursiveRef', '$dynamicRef'] as const) {
    const reference = node[keyword];
    if (typeof reference !== 'string') continue;
    const name = reference.slice(reference.indexOf('#') + 1);
    // Which of them it is depends on the way to it, so it may be any.
    refer(keyword, [resolve(node, reference), ...dynamic.flatMap((one) => (one.name === name ? [one.node] : []))]);
  }
  return edges;
};
