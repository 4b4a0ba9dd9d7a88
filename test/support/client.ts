// The npm package taskcluster-client, unmodified, as tests use it.
import type { RootCredentials } from './server.ts';

// biome-ignore lint/suspicious/noExplicitAny: the package has no types; its methods are made at run time.
type Untyped = any;

// Named by a variable so that the compiler does not look for types that are not there.
const packageName: string = 'taskcluster-client';
export const taskcluster: Untyped = (await import(packageName)).default;

export type Clients = { readonly hooks: Untyped; readonly queue: Untyped; readonly auth: Untyped };
export type Credentials = { readonly clientId: string; readonly accessToken: string; readonly certificate?: unknown };

/**
 * Clients of the three services. They do not try again by themselves, so that a test sees the first
 * answer.
 */
export const clientsOf = (rootUrl: string, credentials?: Credentials, options: object = {}): Clients => {
  const all = { rootUrl, ...(credentials && { credentials }), retries: 0, ...options };
  return { hooks: new taskcluster.Hooks(all), queue: new taskcluster.Queue(all), auth: new taskcluster.Auth(all) };
};

export const rootClients = ({ rootUrl, clientId, accessToken }: RootCredentials, options: object = {}): Clients =>
  clientsOf(rootUrl, { clientId, accessToken }, options);

/** A hook whose task says with which payload it was made. `more` overrides. */
export const echoHook = (more: object = {}) => ({
  metadata: { name: 'echo', description: 'says what it was triggered with', owner: 'owner@example.com' },
  triggerSchema: { type: 'object' },
  task: {
    taskQueueId: 'proj/worker',
    payload: { said: { $eval: 'payload' }, by: { $eval: 'clientId' } },
    metadata: { name: 'echo', description: '', owner: 'owner@example.com', source: 'https://example.com/' },
  },
  ...more,
});

/** What a hook of `echoHook` needs its role to have. */
export const ECHO_SCOPES = [
  'queue:create-task:project:none',
  'queue:scheduler-id:-',
  'queue:create-task:lowest:proj/worker',
] as const;
