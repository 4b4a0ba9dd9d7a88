// The API references that the npm package taskcluster-client carries, to look requests up in.

export type Entry = {
  readonly service: string;
  readonly name: string;
  /** Lower case. */
  readonly method: string;
  readonly route: string;
  readonly args: readonly string[];
  readonly query: readonly string[];
  readonly input?: string;
  readonly scopes?: unknown;
};

export type Found = { readonly entry: Entry; readonly params: Readonly<Record<string, string>> };

// Named by a variable so that the compiler does not look for types that are not there.
const moduleName: string = 'taskcluster-client/src/apis.js';
const { default: apis } = (await import(moduleName)) as {
  default: Record<string, { reference: { serviceName: string; entries: (Entry & { type: string })[] } }>;
};

const compiled = ['Auth', 'Queue', 'Notify'].flatMap((name) => {
  const { serviceName: service, entries } = apis[name]?.reference ?? { serviceName: name, entries: [] };
  if (entries.length === 0) throw new Error(`the package has no reference of ${name}`);
  return entries
    .filter(({ type }) => type === 'function')
    .map((entry) => ({
      entry: { ...entry, service },
      path: new RegExp(`^/api/${service}/v1${entry.route.replace(/\/$/, '').replace(/<\w+>/g, '([^/]+)')}/?$`),
    }));
});

/** undefined: no service has such a method. */
export const findEntry = (method: string, path: string): Found | undefined => {
  for (const { entry, path: pattern } of compiled) {
    if (entry.method !== method.toLowerCase()) continue;
    const match = pattern.exec(path);
    if (!match) continue;
    const params = Object.fromEntries(entry.args.map((name, at) => [name, decodeURIComponent(match[at + 1] ?? '')]));
    return { entry, params };
  }
  return undefined;
};
