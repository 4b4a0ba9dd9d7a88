// A schema that refers to itself without going on to a part of the value never comes to an end:
// `{"allOf": [{"$ref": "#"}]}`. Ajv compiles it, and each check would overflow the stack.
import { isInPlace, isSchema, subschemasOf } from './subschemas.ts';

type Node = Record<string, unknown>;
type Edge = { readonly place: string; readonly to: Node };

const ROOT = 'schema://root/';

/** The place of the first reference in a circle; undefined when there is none. */
export const findEndlessReference = (schema: unknown): string | undefined => {
  if (!isSchema(schema) || !/"\$(?:ref|recursiveRef|dynamicRef)"/.test(JSON.stringify(schema))) return undefined;
  const edgesOf = edgesIn(schema);
  const done = new Set<Node>();
  const under = new Set<Node>();
  const visit = (node: Node): string | undefined => {
    if (done.has(node)) return undefined;
    under.add(node);
    for (const { place, to } of edgesOf(node)) {
      const found = under.has(to) ? place : visit(to);
      if (found !== undefined) return found;
    }
    under.delete(node);
    done.add(node);
    return undefined;
  };
  // All schemas, also those that only a reference from a part of the value leads to.
  for (const node of edgesOf.nodes) {
    const found = visit(node);
    if (found !== undefined) return found;
  }
  return undefined;
};

/** From each schema to those that meet the same value. */
const edgesIn = (root: Node) => {
  const places = new Map<Node, string>();
  const bases = new Map<Node, string>();
  const anchors = new Map<string, Node>();
  const dynamic: { readonly name: string; readonly node: Node }[] = [];

  const enter = (node: Node, place: string, outerBase: string) => {
    if (places.has(node)) return;
    const base = typeof node.$id === 'string' ? (urlOf(node.$id, outerBase) ?? outerBase) : outerBase;
    const resource = withoutFragment(base);
    places.set(node, place);
    bases.set(node, resource);
    if (place === '' || (typeof node.$id === 'string' && !node.$id.startsWith('#'))) anchors.set(resource, node);
    if (typeof node.$id === 'string' && node.$id.startsWith('#')) anchors.set(`${resource}${node.$id}`, node);
    for (const name of [node.$anchor, node.$dynamicAnchor]) {
      if (typeof name === 'string') anchors.set(`${resource}#${name}`, node);
    }
    if (typeof node.$dynamicAnchor === 'string') dynamic.push({ name: node.$dynamicAnchor, node });
    if (node.$recursiveAnchor === true) dynamic.push({ name: '', node });
    for (const below of subschemasOf(node)) {
      if (isSchema(below.schema)) enter(below.schema, `${place}${below.place}`, resource);
    }
  };
  enter(root, '', ROOT);

  const resolve = (from: Node, reference: unknown): Node | undefined => {
    const url = typeof reference === 'string' ? urlOf(reference, bases.get(from) ?? ROOT) : undefined;
    if (url === undefined) return undefined;
    const [resource = '', fragment = ''] = url.split('#');
    if (!fragment.startsWith('/')) return anchors.get(fragment === '' ? resource : `${resource}#${fragment}`);
    return followPointer(anchors.get(resource), fragment);
  };

  const edgesOf = (node: Node): Edge[] => {
    const from = places.get(node) ?? '';
    const edges = subschemasOf(node).flatMap((below): Edge[] =>
      isInPlace(below) && isSchema(below.schema) ? [{ place: `${from}${below.place}`, to: below.schema }] : [],
    );
    const refer = (keyword: string, targets: readonly (Node | undefined)[]) => {
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
  return Object.assign(edgesOf, { nodes: places.keys() });
};

const urlOf = (reference: string, base: string): string | undefined => URL.parse(reference, base)?.href;

const withoutFragment = (url: string): string => url.split('#')[0] ?? url;

const followPointer = (from: Node | undefined, pointer: string): Node | undefined => {
  let value: unknown = from;
  for (const step of pointer.slice(1).split('/')) {
    if (typeof value !== 'object' || value === null) return undefined;
    const key = decode(step).replaceAll('~1', '/').replaceAll('~0', '~');
    value = Object.hasOwn(value, key) ? (value as Node)[key] : undefined;
  }
  return isSchema(value) ? value : undefined;
};

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
