// What a client asks of a channel, from JSON.

export type Poke = {
  readonly action: 'poke';
  readonly id: number;
  /** As it was sent. */
  readonly ship: string;
  readonly app: string;
  readonly mark: string;
  readonly json: unknown;
};
export type Subscribe = {
  readonly action: 'subscribe';
  readonly id: number;
  readonly ship: string;
  readonly app: string;
  readonly path: string;
};
export type ChannelAction =
  | Poke
  | Subscribe
  | { readonly action: 'unsubscribe'; readonly subscription: number }
  | { readonly action: 'ack'; readonly eventId: number }
  | { readonly action: 'delete' };

export type ReadActions =
  | { readonly ok: true; readonly actions: readonly ChannelAction[] }
  | { readonly ok: false; readonly problem: string };

/** In one request, and waiting in one channel. */
export const MOST_ACTIONS = 1_000;

type Fields = Readonly<Record<string, unknown>>;

export const readActions = (body: unknown): ReadActions => {
  if (!Array.isArray(body)) return { ok: false, problem: 'The body is not an array of actions.' };
  if (body.length > MOST_ACTIONS) {
    return { ok: false, problem: `The body has more than ${MOST_ACTIONS.toLocaleString('en')} actions.` };
  }
  const actions: ChannelAction[] = [];
  for (const [index, item] of body.entries()) {
    const action = readAction(item);
    if (typeof action === 'string') return { ok: false, problem: `Action ${index} ${action}.` };
    actions.push(action);
  }
  return { ok: true, actions };
};

/** Answers what is wrong with it. */
const readAction = (item: unknown): ChannelAction | string => {
  if (typeof item !== 'object' || item === null) return 'is not an object';
  const fields = item as Fields;
  switch (fields.action) {
    case 'poke':
      return (
        problemIn(fields, ['id'], ['ship', 'app', 'mark']) ??
        (fields.json === undefined
          ? 'has no json'
          : (pick(fields, 'action', 'id', 'ship', 'app', 'mark', 'json') as Poke))
      );
    case 'subscribe':
      return (
        problemIn(fields, ['id'], ['ship', 'app', 'path']) ??
        (pick(fields, 'action', 'id', 'ship', 'app', 'path') as Subscribe)
      );
    case 'unsubscribe':
      return (
        problemIn(fields, ['subscription'], []) ?? {
          action: 'unsubscribe',
          subscription: fields.subscription as number,
        }
      );
    case 'ack':
      return problemIn(fields, ['event-id'], []) ?? { action: 'ack', eventId: fields['event-id'] as number };
    case 'delete':
      return { action: 'delete' };
    default:
      return 'is not a poke, subscribe, unsubscribe, ack or delete';
  }
};

const problemIn = (fields: Fields, numbers: readonly string[], texts: readonly string[]): string | undefined => {
  const wrong = numbers.find((key) => !Number.isSafeInteger(fields[key]) || (fields[key] as number) < 0);
  if (wrong !== undefined) return `has no whole number ${wrong}`;
  const missing = texts.find((key) => typeof fields[key] !== 'string');
  return missing === undefined ? undefined : `has no text ${missing}`;
};

const pick = (fields: Fields, ...keys: readonly string[]): Fields =>
  Object.fromEntries(keys.map((key) => [key, fields[key]]));
