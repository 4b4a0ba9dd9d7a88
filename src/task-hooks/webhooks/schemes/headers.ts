// Headers of a delivery as they were sent: each with all its values, so that a second one is seen.

/** Lower-case names; `headersDistinct` of a request of Node. */
export type SentHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** The value, unless the header was sent twice or not at all. */
export const onlyValue = (headers: SentHeaders, name: string): string | undefined => {
  const values = headers[name];
  return values?.length === 1 ? values[0] : undefined;
};

/** What is compared, remembered and shown of a name that a sender gives. */
const LONGEST_NAME = 255;

/** Many systems send those of another one, too, with the same value. */
const EVENT_HEADERS = [
  'x-github-event',
  'x-gitea-event',
  'x-forgejo-event',
  'x-gogs-event',
  'x-gitlab-event',
  'x-event-key',
  'x-shopify-topic',
  'ce-type',
];

const DELIVERY_HEADERS = [
  'webhook-id',
  'svix-id',
  'x-github-delivery',
  'x-gitea-delivery',
  'x-forgejo-delivery',
  'x-gogs-delivery',
  'idempotency-key',
  'x-gitlab-event-uuid',
  'x-request-uuid',
  'x-shopify-webhook-id',
  'ce-id',
];

const firstOf = (headers: SentHeaders, names: readonly string[]): string | undefined => {
  for (const name of names) {
    const value = onlyValue(headers, name);
    if (value !== undefined && value !== '' && value.length <= LONGEST_NAME) return value;
  }
  return undefined;
};

/** What the sender calls the event, where it says so in a header. Hardly any scheme signs it. */
export const eventOf = (headers: SentHeaders): string | undefined => firstOf(headers, EVENT_HEADERS);

/** What the sender calls this delivery, the same when it sends it again. */
export const deliveryIdOf = (headers: SentHeaders): string | undefined => firstOf(headers, DELIVERY_HEADERS);

/** Names of headers whose values prove something, and are no affair of a template. */
const SECRET = /auth(?!ors?\b)|cookie|signature|hmac|token|jwt|secret|passw|api-?key|credential/;

/** For the context of the template. `signatureHeader`: one that the settings name. */
export const headersToShow = (headers: SentHeaders, signatureHeader?: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, values]) =>
      values === undefined || SECRET.test(name) || name === signatureHeader?.toLowerCase()
        ? []
        : [[name, values.join(', ')]],
    ),
  );
