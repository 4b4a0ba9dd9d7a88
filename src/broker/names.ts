// Rules for the names of exchanges, routing keys and patterns.

/** Where only this server publishes: those who read there take it for what happened. */
const OWN_SERVICES = ['auth', 'hooks', 'queue'] as const;

const prefixOf = (service: string): string => `exchange/taskcluster-${service}/`;

const OWN_PREFIXES = [...OWN_SERVICES.map(prefixOf), 'exchange/hookwright/'];

/**
 * An exchange of a service of this server, on the broker:
 * `exchange/taskcluster-queue/v1/task-pending`.
 */
export const exchangeOf = (service: (typeof OWN_SERVICES)[number], name: string): string =>
  `${prefixOf(service)}v1/${name}`;

/** What happens in the channels of the community. */
export const CHANNEL_EVENTS = 'exchange/hookwright/v1/channel-event';

/**
 * Why no message can ever come from this exchange: it is named like one of a service of this
 * server, and `own` are all that those services publish on. undefined: it may.
 */
export const whySilent = (exchange: string, own: readonly string[]): string | undefined => {
  const prefix = ownPrefixOf(exchange);
  const siblings = prefix === undefined ? [] : own.filter((name) => name.startsWith(prefix));
  if (siblings.length === 0 || siblings.includes(exchange)) return undefined;
  return `this server publishes nothing on ${exchange}, only on ${siblings.toSorted().join(', ')}`;
};

/** How the names of such exchanges begin, if this is one. */
export const ownPrefixOf = (exchange: string): string | undefined =>
  OWN_PREFIXES.find((prefix) => exchange.startsWith(prefix));

/** AMQP gives names and keys one byte for their length; no broker here takes more. */
const LONGEST_NAME_BYTES = 255;

/** Why AMQP cannot carry this name or key, or undefined. */
export const whyNoName = (name: string): string | undefined => {
  const bytes = Buffer.byteLength(name);
  if (bytes > LONGEST_NAME_BYTES) return `is ${bytes} bytes long, at most ${LONGEST_NAME_BYTES} are allowed`;
  return name.includes('\0') ? 'contains a NUL' : undefined;
};

/** Throws a RangeError for a name or a key that AMQP cannot carry. */
export const requireName = (what: string, name: string): void => {
  const why = whyNoName(name);
  if (why !== undefined) throw new RangeError(`the ${what} "${name.slice(0, 100)}" ${why}`);
};
