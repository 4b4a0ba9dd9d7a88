// A class of clients for any service: its methods, their URLs, and copies with other options.

import { type ClientOptions, type ClientSettings, readOptions } from './options.ts';
import { type ExpectedAnswer, performCall } from './perform-call.ts';
import { paramsOf, type QueryValues, type Service, type ServiceMethod, urlOf } from './service.ts';
import { createBewit } from './signing/hawk.ts';
import { realSurroundings, type Surroundings } from './surroundings.ts';

/** A method of a client, as `hooks.triggerHook`. */
export type ApiFunction = (...args: never[]) => Promise<unknown>;

/** What stands in a URL: the method's parameters, then its query if it has one. */
export type UrlArgument = string | QueryValues | undefined;

export type SignedUrlOptions = {
  /** How long the URL is good for, in seconds. Default: 900. */
  readonly expiration: number;
};

/** What clients of all services have. */
export interface ServiceClient {
  /** Without a slash at its end. */
  readonly rootUrl: string;
  /** A client that differs in these options. */
  use(changes: Partial<ClientOptions>): this;
  /** The URL of a call: `hooks.buildUrl(hooks.listLastFires, 'group', 'hook', { limit: 10 })`. */
  buildUrl(method: ApiFunction, ...args: readonly UrlArgument[]): string;
  /**
   * A URL with which anybody may make this one call, of a GET, until it expires:
   * `await hooks.buildSignedUrl(hooks.hook, 'group', 'hook', { expiration: 60 })`.
   */
  buildSignedUrl(method: ApiFunction, ...args: readonly (UrlArgument | SignedUrlOptions)[]): Promise<string>;
}

export type ClientClass<Methods> = new (options: ClientOptions, surroundings?: Surroundings) => ServiceClient & Methods;

const DEFAULT_EXPIRATION_S = 15 * 60;

/** `Methods` is the type of what `service` describes; both come from the same declaration. */
export const createClientClass = <Methods>(service: Service): ClientClass<Methods> => {
  /** method → its name, for those who hand methods over. */
  const names = new WeakMap<object, string>();

  const nameOf = (method: unknown): string => {
    const name = typeof method === 'function' ? names.get(method) : undefined;
    if (name === undefined) throw new TypeError(`The first argument must be a method of a client for ${service.name}`);
    return name;
  };

  // What is private here is so at run time too: nothing that prints a client shows its credentials.
  class Client {
    readonly rootUrl: string;
    readonly #options: ClientOptions;
    readonly #settings: ClientSettings;
    readonly #surroundings: Surroundings;

    constructor(options: ClientOptions, surroundings: Surroundings = realSurroundings) {
      this.#settings = readOptions(options);
      this.#options = options;
      this.#surroundings = surroundings;
      this.rootUrl = this.#settings.rootUrl;
    }

    use(changes: Partial<ClientOptions>): this {
      // What is undefined changes nothing: a restriction that somebody forgot to compute must not
      // lift the one there is.
      const defined = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
      const Same = this.constructor as new (options: ClientOptions, surroundings: Surroundings) => this;
      return new Same({ ...this.#options, ...defined }, this.#surroundings);
    }

    buildUrl(method: ApiFunction, ...args: readonly unknown[]): string {
      return this.#urlOf(nameOf(method), args).href;
    }

    async buildSignedUrl(method: ApiFunction, ...args: readonly unknown[]): Promise<string> {
      const { signer } = this.#settings;
      const name = nameOf(method);
      const described = service.methods[name] as ServiceMethod;
      if (described.verb !== 'GET') throw new TypeError(`${name} cannot be called with a signed URL: it is no GET`);
      if (signer === undefined) throw new TypeError('There are no credentials to sign with');
      const { urlArgs, expiration } = takeExpiration(described, args);
      const url = this.#urlOf(name, urlArgs);
      const expires = Math.floor(this.#surroundings.now() / 1000) + expiration;
      const bewit = await createBewit(signer, url, expires);
      url.search += `${url.search === '' ? '' : '&'}bewit=${bewit}`;
      return url.href;
    }

    #urlOf(name: string, args: readonly unknown[]): URL {
      const method = service.methods[name] as ServiceMethod;
      return urlOf(this.rootUrl, service, name, takeArguments(name, method, { args, takesPayload: false }));
    }

    async #call(name: string, args: readonly unknown[]): Promise<unknown> {
      const method = service.methods[name] as ServiceMethod;
      const taken = takeArguments(name, method, { args, takesPayload: method.input === true });
      const secretParams = method.secretParams ?? [];
      const call = {
        method: name,
        verb: method.verb,
        url: urlOf(this.rootUrl, service, name, taken),
        json: taken.json,
        answer: expectedAnswer(method),
        secrets: paramsOf(method).flatMap((param, at) =>
          secretParams.includes(param) ? [String(taken.values[at])] : [],
        ),
      };
      return performCall(call, this.#settings, this.#surroundings);
    }

    static {
      for (const name of Object.keys(service.methods)) {
        const method = {
          [name]: function (this: Client, ...args: unknown[]) {
            return this.#call(name, args);
          },
        }[name];
        names.set(method as object, name);
        Object.defineProperty(Client.prototype, name, { value: method, writable: true, configurable: true });
      }
    }
  }
  return Client as unknown as ClientClass<Methods>;
};

const expectedAnswer = ({ output, streams, verb }: ServiceMethod): ExpectedAnswer => {
  if (streams) return 'stream';
  if (output) return 'declared';
  return verb === 'GET' ? 'any' : 'none';
};

type Taken = {
  readonly values: readonly unknown[];
  readonly json: string | undefined;
  readonly query: QueryValues | undefined;
};

/**
 * Tells parameters, payload and query apart. Throws TypeError when there are too few or too many.
 */
const takeArguments = (
  name: string,
  method: ServiceMethod,
  { args, takesPayload }: { readonly args: readonly unknown[]; readonly takesPayload: boolean },
): Taken => {
  const params = paramsOf(method);
  const expected = [...params, ...(takesPayload ? ['payload'] : [])];
  const most = expected.length + (method.query ? 1 : 0);
  if (args.length < expected.length || args.length > most) {
    const list = [...expected, ...(method.query ? ['query?'] : [])].join(', ');
    throw new TypeError(`${name} takes (${list}), but was given ${args.length} arguments`);
  }
  const query = args[expected.length];
  if (query !== undefined && (typeof query !== 'object' || query === null)) {
    throw new TypeError(`The query of ${name} must be an object`);
  }
  const json = takesPayload ? JSON.stringify(args[params.length]) : undefined;
  if (takesPayload && json === undefined)
    throw new TypeError(`The payload of ${name} must be something that JSON can say`);
  return { values: args.slice(0, params.length), json, query: query as QueryValues | undefined };
};

/**
 * The last argument may say how long a signed URL is good for. No method has a query parameter of
 * that name.
 */
const takeExpiration = (method: ServiceMethod, args: readonly unknown[]) => {
  const last = args.at(-1);
  const most = paramsOf(method).length + (method.query ? 1 : 0);
  const isObject = typeof last === 'object' && last !== null;
  if (!isObject || (args.length <= most && !Object.hasOwn(last, 'expiration'))) {
    return { urlArgs: args, expiration: DEFAULT_EXPIRATION_S };
  }
  const { expiration = DEFAULT_EXPIRATION_S, ...unknown } = last as Record<string, unknown>;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) throw new TypeError(`A signed URL has no option ${stranger}`);
  if (typeof expiration !== 'number' || !Number.isSafeInteger(expiration) || expiration <= 0) {
    throw new TypeError('expiration must be a whole number of seconds above 0');
  }
  return { urlArgs: args.slice(0, -1), expiration };
};
