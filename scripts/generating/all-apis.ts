// The declarations of all services, for whatever has to hold for each of them.
import { AUTH_API } from '../../src/auth/api/declaration.ts';
import { BROKER_API } from '../../src/broker/api-declaration.ts';
import { COMMUNITY_API } from '../../src/community/api/declaration.ts';
import type { ApiDeclaration } from '../../src/http/api-method.ts';
import { QUEUE_API } from '../../src/queue/standalone/declaration.ts';
import { SCRIPT_HOOKS_API } from '../../src/script-hooks/api/declaration.ts';
import { HOOKS_API } from '../../src/task-hooks/api/declaration.ts';

export const ALL_APIS: readonly ApiDeclaration[] = [
  ...[HOOKS_API, AUTH_API, QUEUE_API, BROKER_API],
  ...[COMMUNITY_API, SCRIPT_HOOKS_API],
];
