// The methods that every service has, declared and implemented once: is it there, is what it needs
// there, which version is it.
import type { Clock } from '../core/clock.ts';
import { BUILD } from '../version.ts';
import { ApiError } from './api-error.ts';
import type { ApiDeclaration, ApiHandler, ApiService, MethodDeclaration } from './api-method.ts';

const monitoring = { category: 'Monitoring', stability: 'stable', verb: 'GET' } as const;

const PING = {
  ...monitoring,
  name: 'ping',
  title: 'Ping Server',
  description: 'Answers that the service is there, and for how many seconds, without doing anything.',
  route: '/ping',
} as const satisfies MethodDeclaration;

const LOAD_BALANCER_HEARTBEAT = {
  ...monitoring,
  name: 'lbheartbeat',
  title: 'Load Balancer Heartbeat',
  description: 'Answers without doing anything, for load balancers that ask whether this process is there.',
  route: '/__lbheartbeat__',
} as const satisfies MethodDeclaration;

const VERSION = {
  ...monitoring,
  name: 'version',
  title: 'Version',
  description: 'The version object of the running program: `version`, `commit`, `source`, `build`.',
  route: '/__version__',
} as const satisfies MethodDeclaration;

const HEARTBEAT = {
  ...monitoring,
  name: 'heartbeat',
  title: 'Heartbeat',
  description:
    'Looks at what the service needs, as the database. `{}` when all of it answers; else an error says what does not.',
  route: '/__heartbeat__',
} as const satisfies MethodDeclaration;

/**
 * In the order in which Taskcluster's references have them: the heartbeat comes after the methods
 * of the service.
 */
const withCommon = <Method>(methods: readonly Method[], common: (name: CommonName) => Method): Method[] => [
  common('ping'),
  common('lbheartbeat'),
  common('version'),
  ...methods,
  common('heartbeat'),
];

const DECLARATIONS = { ping: PING, lbheartbeat: LOAD_BALANCER_HEARTBEAT, version: VERSION, heartbeat: HEARTBEAT };
type CommonName = keyof typeof DECLARATIONS;

/**
 * A service's declaration with the methods that every service has: all that clients and
 * documentation need.
 */
export const declareCommonMethods = (api: ApiDeclaration): ApiDeclaration => ({
  ...api,
  methods: withCommon<MethodDeclaration>(api.methods, (name) => DECLARATIONS[name]),
});

export type CommonMethodsSettings = {
  readonly clock: Clock;
  /**
   * Whether what the services need is there. Throws or rejects with an ApiError that says what is
   * not.
   */
  readonly checkHealth: () => Promise<void>;
};

/** The same for a service that is served. */
export const withCommonMethods = (api: ApiService, { clock, checkHealth }: CommonMethodsSettings): ApiService => {
  const began = clock.monotonic();
  const handlers: Readonly<Record<CommonName, ApiHandler>> = {
    ping: async () => ({ body: { alive: true, uptime: (clock.monotonic() - began) / 1_000 } }),
    lbheartbeat: async () => ({ body: {} }),
    version: async () => ({ body: BUILD }),
    heartbeat: async ({ log }) => {
      try {
        await checkHealth();
      } catch (error) {
        log.warn({ err: error }, 'heartbeat failed');
        if (error instanceof ApiError) throw error;
        throw new ApiError(
          'ServiceUnavailable',
          'Something that the service needs does not answer; its log says what.',
        );
      }
      return { body: {} };
    },
  };
  return { ...api, methods: withCommon(api.methods, (name) => ({ ...DECLARATIONS[name], handle: handlers[name] })) };
};
