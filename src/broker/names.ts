// Where only this server speaks: those who read there take it for what happened.

const OWN_SERVICES = ['auth', 'hooks', 'queue'] as const;

const prefixOf = (service: string): string => `exchange/taskcluster-${service}/`;

/**
 * An exchange of a service of this server, on the broker:
 * `exchange/taskcluster-queue/v1/task-pending`.
 */
export const exchangeOf = (service: (typeof OWN_SERVICES)[number], name: string): string =>
  `${prefixOf(service)}v1/${name}`;

/** How the names of such exchanges begin, if this is one. */
export const ownPrefixOf = (exchange: string): string | undefined =>
  OWN_SERVICES.map(prefixOf).find((prefix) => exchange.startsWith(prefix));
