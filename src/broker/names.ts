// Where only this server speaks: those who read there take it for what happened.

const OWN_EXCHANGES = ['exchange/taskcluster-hooks/', 'exchange/taskcluster-queue/'] as const;

/** How the names of such exchanges begin, if this is one. */
export const ownPrefixOf = (exchange: string): string | undefined =>
  OWN_EXCHANGES.find((prefix) => exchange.startsWith(prefix));
