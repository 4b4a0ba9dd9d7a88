// Which clients are generated, and where they lie.
import { AUTH_API } from '../src/auth/api/declaration.ts';
import { BROKER_API } from '../src/broker/api-declaration.ts';
import { COMMUNITY_API } from '../src/community/api/declaration.ts';
import type { ApiDeclaration } from '../src/http/api-method.ts';
import { declareCommonMethods } from '../src/http/common-methods.ts';
import { QUEUE_API } from '../src/queue/standalone/declaration.ts';
import { SCRIPT_HOOKS_API } from '../src/script-hooks/api/declaration.ts';
import { HOOKS_API } from '../src/task-hooks/api/declaration.ts';
import { clientSource } from './client-source.ts';

const APIS: Readonly<Record<string, ApiDeclaration>> = {
  'client/hooks-api.ts': HOOKS_API,
  'client/auth-api.ts': AUTH_API,
  'client/queue-api.ts': QUEUE_API,
  'client/broker-api.ts': BROKER_API,
  'client/script-hooks-api.ts': SCRIPT_HOOKS_API,
  'client/community-api.ts': COMMUNITY_API,
};

/** Path → text. */
export const clientSources = (): ReadonlyMap<string, string> =>
  new Map(Object.entries(APIS).map(([path, api]) => [path, clientSource(declareCommonMethods(api))]));
