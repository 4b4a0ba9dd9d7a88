// Where the references of a schema lead, in drafts 7, 2019-09 and 2020-12.
import { isSchema, subschemasOf } from './subschemas.ts';

export type SchemaNode = Record<string, unknown>;

export type References = {
  /** JSON pointers of all schemas. */
  readonly places: ReadonlyMap<SchemaNode, string>;
  /** undefined: nowhere, or out of the schema. */
  readonly resolve: (from: SchemaNode, reference: unknown) => SchemaNode | undefined;
  /** What `$dynamicRef` and, without a name, `$recursiveRef` may lead to. */
  readonly dynamic: readonly { readonly name: string; readonly node: SchemaNode }[];
};

const ROOT = 'schema://root/';

export const referencesIn = (root: SchemaNode): References => {
  const places = new Map<SchemaNode, string>();
  const bases = new Map<SchemaNode, string>();
  const anchors = new Map<string, SchemaNode>();
  const dynamic: { readonly name: string; readonly node: SchemaNode }[] = [];

  const enter = (node: SchemaNode, place: string, outerBase: string) => {
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

  const resolve = (from: SchemaNode, reference: unknown): SchemaNode | undefined => {
    const url = typeof reference === 'string' ? urlOf(reference, bases.get(from) ?? ROOT) : undefined;
    if (url === undefined) return undefined;
    const [resource = '', fragment = ''] = url.split('#');
    if (!fragment.startsWith('/')) return anchors.get(fragment === '' ? resource : `${resource}#${fragment}`);
    return followPointer(anchors.get(resource), fragment);
  };

  return { places, resolve, dynamic };
};

const urlOf = (reference: string, base: string): string | undefined => URL.parse(reference, base)?.href;

const withoutFragment = (url: string): string => url.split('#')[0] ?? url;

const followPointer = (from: SchemaNode | undefined, pointer: string): SchemaNode | undefined => {
  let value: unknown = from;
  for (const step of pointer.slice(1).split('/')) {
    if (typeof value !== 'object' || value === null) return undefined;
    const key = decode(step).replaceAll('~1', '/').replaceAll('~0', '~');
    value = Object.hasOwn(value, key) ? (value as SchemaNode)[key] : undefined;
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
