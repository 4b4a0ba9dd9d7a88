// hookwright/client: what calls a Hookwright server, or a Taskcluster hooks service, from Node and
// from browsers.
export { ApiCallError, type LocalCode } from './api-call-error.ts';
export { Auth } from './auth.ts';
export type * from './auth-api.ts';
export { Broker } from './broker.ts';
export type * from './broker-api.ts';
export { Community } from './community.ts';
export type * from './community-api.ts';
export type { ApiFunction, ServiceClient, SignedUrlOptions, UrlArgument } from './create-client-class.ts';
export { type FireRecord, Hooks, type LastFire, type PageOptions } from './hooks.ts';
export type * from './hooks-api.ts';
export type { ClientOptions, Fetch } from './options.ts';
export { Queue } from './queue.ts';
export type * from './queue-api.ts';
export { ScriptHooks } from './script-hooks.ts';
export type * from './script-hooks-api.ts';
export type { Certificate, Credentials } from './signing/credentials.ts';
export {
  createTemporaryCredentials,
  type TemporaryCredentials,
  type TemporaryCredentialsOptions,
} from './signing/temporary-credentials.ts';
