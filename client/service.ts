// A service as data: what the clients of it are made from, itself made from the server's
// declaration of the service.

export type ServiceMethod = {
  readonly verb: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** With parameters in angle brackets: `/hooks/<hookGroupId>/<hookId>`. */
  readonly route: string;
  /** Names of the parameters that the query string may have. */
  readonly query?: readonly string[];
  /** Takes a payload. */
  readonly input?: true;
  /** Answers something that is declared. */
  readonly output?: true;
  /** Answers an event stream. */
  readonly streams?: true;
  /** Parameters of the route that are credentials. */
  readonly secretParams?: readonly string[];
};

export type Service = {
  /** Its name in URLs: `/api/<name>/v1`. */
  readonly name: string;
  readonly methods: Readonly<Record<string, ServiceMethod>>;
};

export type QueryValues = Readonly<Record<string, string | number | undefined>>;

const PARAMETER = /<([^<>]+)>/g;

/** The parameters of a route, in the order in which a method takes them. */
export const paramsOf = ({ route }: ServiceMethod): string[] =>
  [...route.matchAll(PARAMETER)].map(([, name = '']) => name);

/**
 * The URL of a call. Throws TypeError for values that a URL cannot carry, without repeating them.
 */
export const urlOf = (
  rootUrl: string,
  service: Service,
  name: string,
  { values, query = {} }: { readonly values: readonly unknown[]; readonly query?: QueryValues | undefined },
): URL => {
  const method = service.methods[name] as ServiceMethod;
  const params = paramsOf(method);
  const path = method.route.replace(PARAMETER, (_text, param: string) => encode(param, values[params.indexOf(param)]));
  const url = new URL(`${rootUrl}/api/${service.name}/v1${path}`);
  const known = method.query ?? [];
  const written = Object.entries(query).flatMap(([key, value]) => {
    if (!known.includes(key))
      throw new TypeError(`${name} takes in its query ${known.join(', ') || 'nothing'}, but not ${key}`);
    return value === undefined ? [] : [`${encodeURIComponent(key)}=${encode(key, value)}`];
  });
  url.search = written.join('&');
  return url;
};

const encode = (name: string, value: unknown): string => {
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new TypeError(`${name} must be a string, not ${value === null ? 'null' : typeof value}`);
  }
  const text = String(value);
  // Empty, or a step in the path: the URL would be that of another method.
  if (/^\.{0,2}$/.test(text)) throw new TypeError(`${name} must not be empty, nor one or two dots`);
  try {
    return encodeForUrl(text);
  } catch {
    throw new TypeError(`${name} holds half a character`); // the only thing that it cannot encode
  }
};

/**
 * An apostrophe is encoded by some and not by others on the way to a signature; once it is encoded
 * it stays as it is.
 */
export const encodeForUrl = (text: string): string => encodeURIComponent(text).replaceAll("'", '%27');
