// How an API is declared: once, as data. The routes, the scope checks and the schemas all come from
// such declarations.
import type { Log } from '../core/log.ts';
import type { EventStream, StreamSource } from './answers/event-stream.ts';

/** A scope, or a tree of them: all of `AllOf`, or any of `AnyOf`. */
export type ScopeExpression =
  | string
  | { readonly AllOf: readonly ScopeExpression[] }
  | { readonly AnyOf: readonly ScopeExpression[] };

/**
 * Who calls, as far as the server could tell. Scopes are expanded and include what everybody has
 * (`assume:anonymous`).
 */
export type Caller = {
  /** undefined: nobody signed the request. */
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
};

export type SignedRequest = {
  readonly method: string;
  /**
   * The raw path and query as they stood on the request line, because that is what a signature
   * covers.
   */
  readonly url: string;
  readonly host: string | undefined;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  /**
   * The raw body, for a signature that covers it; or how to get it, where most of it may not have
   * come yet.
   */
  readonly body: Buffer | (() => Promise<Buffer>);
};

/**
 * Tells who signed a request. Throws ApiError AuthenticationFailed when the signature is not good;
 * no signature is no error.
 */
export type Authenticate = (request: SignedRequest) => Promise<Caller>;

/** Whether the caller satisfies a scope expression. */
export type Satisfies = (caller: Caller, expression: ScopeExpression) => boolean;

/**
 * From where a call came, by its headers: for the audit, and no proof. `page`: a page of this
 * server in a browser.
 */
export type Origin = 'api' | 'command line' | 'page';

/** How the User-Agent of the command line begins; its version follows. */
export const COMMAND_LINE_AGENT = 'hookwright/';

/** What a handler gets. Everything in it has passed the checks that the declaration asks for. */
export type ApiRequest<Payload = unknown> = {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** undefined: it is large, and the method leaves it unparsed. */
  readonly payload: Payload;
  /** Of the payload, as it came. */
  readonly payloadBytes: number;
  readonly caller: Caller;
  /** As it came, for methods that look at the signature themselves. */
  readonly signed: SignedRequest;
  readonly requestId: string;
  /** Absent: nobody looked. */
  readonly origin?: Origin;
  /** The id of the last event that a reader of an event stream has; not checked. */
  readonly lastEventId?: string | undefined;
  /** By which the caller names this request, so that it may be sent again; as it came. */
  readonly idempotencyKey?: string | undefined;
  readonly log: Log;
  /**
   * Aborts when the caller hangs up before it has its answer. For methods that keep a caller
   * waiting.
   */
  readonly gone: AbortSignal;
  /**
   * For methods with `authorization: 'deferred'`: throws InsufficientScopes unless the caller
   * satisfies the expression.
   */
  readonly authorize: (expression: ScopeExpression) => void;
};

/**
 * What a handler answers: a body for 200, JSON for 200 that may be too long to be held, nothing for
 * 204, or what writes an event stream.
 */
export type ApiAnswer =
  | { readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly pieces: AsyncIterable<string> }
  | { readonly noContent: true }
  | { readonly stream: (stream: EventStream) => StreamSource };

/**
 * A JSON schema with the name under which it is published: `/schemas/<service>/v1/<name>.json#`.
 */
export type NamedSchema = { readonly name: string; readonly schema: object };

/**
 * What is known of a method without its handler: enough for the server's checks, the references,
 * and clients.
 */
export type MethodDeclaration = {
  /** The method's name, as clients call it: `triggerHook`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Under which heading documentation lists it. Default: the service's title. */
  readonly category?: string;
  /** Default: stable. */
  readonly stability?: 'stable' | 'deprecated' | 'experimental';
  readonly verb: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /**
   * With parameters in angle brackets, as the API references write it:
   * `/hooks/<hookGroupId>/<hookId>`.
   */
  readonly route: string;
  /** Parameter → what it must match. Parameters without a pattern pass. */
  readonly params?: Readonly<Record<string, RegExp>>;
  /** Query-string parameter → what it must match; no others are allowed. */
  readonly query?: Readonly<Record<string, RegExp>>;
  /**
   * What the caller must satisfy, with route parameters in angle brackets. Absent: anybody may
   * call.
   */
  readonly scopes?: ScopeExpression;
  /**
   * `deferred`: the expression holds values that only the handler knows; it calls
   * `request.authorize`.
   */
  readonly authorization?: 'route' | 'deferred';
  readonly input?: NamedSchema;
  /** Bytes of a body, before and after decompression. Default: 100 KB. */
  readonly largestBody?: number;
  /**
   * Where any object is taken: one of more than 100 KB is not parsed on the main thread. `payload`
   * is undefined then, and the handler hands on what `signed.body` answers.
   */
  readonly leavesLargeUnparsed?: true;
  readonly output?: NamedSchema;
  /** Its answer is an event stream, which does not end: the typed client hands on the response. */
  readonly streams?: true;
  /**
   * Its callers are shells and logs that show an answer as it comes: it ends with a line break.
   */
  readonly endsLine?: true;
  /** Route parameters that are credentials: they never appear in a log line or an error. */
  readonly secretParams?: readonly string[];
};

export type ApiHandler<Payload = unknown> = (request: ApiRequest<Payload>) => Promise<ApiAnswer>;

/**
 * Asked before more than 100 KB of a body are read, by methods whose callers have no scopes to show
 * but something in the path. Rejects with an ApiError.
 */
export type Admit = (params: Readonly<Record<string, string>>) => Promise<void>;

export type ApiMethod<Payload = unknown> = MethodDeclaration & {
  readonly handle: ApiHandler<Payload>;
  readonly admit?: Admit | undefined;
};

/** A part of the routing key of a message, between dots. */
export type RoutingKeyEntry = {
  readonly name: string;
  readonly summary: string;
  /** Whether it may hold dots itself, so that patterns need `#` for it and not `*`. */
  readonly multipleWords: boolean;
  readonly required: boolean;
  readonly constant?: string;
};

/** An exchange to which a service publishes. */
export type ExchangeDeclaration = {
  /** As clients call it: `hookCreated`. */
  readonly name: string;
  /** On the broker, after the prefix: `hook-created`. */
  readonly exchange: string;
  readonly title: string;
  readonly description: string;
  readonly routingKey: readonly RoutingKeyEntry[];
  /** Of its messages. */
  readonly schema: NamedSchema;
};

/** What a service publishes: `exchange/taskcluster-<service>/v1/<exchange>`. */
export type ExchangesDeclaration = {
  readonly title: string;
  readonly description: string;
  readonly entries: readonly ExchangeDeclaration[];
};

/** An API as data: its name in the URLs (`/api/<service>/v1`) and its methods. */
export type ApiDeclaration<Method extends MethodDeclaration = MethodDeclaration> = {
  readonly service: string;
  readonly title: string;
  readonly description: string;
  readonly methods: readonly Method[];
  readonly exchanges?: ExchangesDeclaration;
};

/** An API that can be served. */
// biome-ignore lint/suspicious/noExplicitAny: the payload type is the method's own affair; its schema guards it.
export type ApiService = ApiDeclaration<ApiMethod<any>>;

/** What serves a method: its handler, with what it asks of large bodies if it does. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
type Implementation = ApiHandler<any> | Pick<ApiMethod<any>, 'handle' | 'admit'>;

/** Joins a declaration and its handlers; the compiler sees to it that none is missing. */
export const implementApi = <Method extends MethodDeclaration>(
  declaration: ApiDeclaration<Method>,
  handlers: { readonly [Name in Method['name']]: Implementation },
): ApiService => ({
  ...declaration,
  methods: declaration.methods.map((method) => {
    const handler: Implementation = handlers[method.name as Method['name']];
    return { ...method, ...(typeof handler === 'function' ? { handle: handler } : handler) };
  }),
});

/** The parameters of a route, in order. */
export const argumentsOf = (route: string): string[] => [...route.matchAll(/<(\w+)>/g)].map(([, name = '']) => name);
