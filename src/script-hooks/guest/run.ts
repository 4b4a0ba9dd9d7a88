// The guest's part that calls the hook: the event in, the answer out. Evaluated inside the engine:
// see source.ts. Contract: spec/script-hooks.md, 5.1, 5.5 and 5.7, and decision 7.
import type { Host } from './host.ts';
import type { EventHead, GuestSettings } from './ops.ts';
import type { GuestLibrary } from './tlon-hooks.ts';
import type { GuestValues } from './values.ts';

type Dictionary = Record<string, unknown>;

export type GuestRun = { readonly run: () => void; readonly fail: (error: unknown) => void };

export const guestRun = (host: Host, settings: GuestSettings, values: GuestValues, library: GuestLibrary): GuestRun => {
  const { ops, longestMessage } = settings;
  const { toJson, tell, cut, describe } = values;
  const { module, nouns, keepNoun } = library;
  const { parse, stringify } = JSON;
  const { isArray } = Array;
  const { create, defineProperty, getOwnPropertyDescriptor, hasOwn } = Object;
  const { apply } = Reflect;
  const text = String;
  const ErrorOf = Error;
  const scope = globalThis as unknown as Dictionary;

  // The event goes in with its large parts missing; each is parsed when it is first looked at, and
  // a part that was not looked at need not come back.

  type Lazy = { holder: Dictionary; key: string; touched: boolean; value: unknown };

  const at = (root: unknown, path: readonly string[], length: number): unknown => {
    let value = root;
    for (let index = 0; index < length; index++) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = (value as Dictionary)[path[index] as string];
    }
    return value;
  };

  const makeLazy = (root: unknown, path: readonly string[], index: number): Lazy => {
    const key = path[path.length - 1] as string;
    const holder = at(root, path, path.length - 1) as Dictionary;
    const lazy: Lazy = { holder, key, touched: false, value: undefined };
    const settle = (value: unknown): void => {
      lazy.touched = true;
      defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
    };
    defineProperty(holder, key, {
      get: () => {
        if (!lazy.touched) {
          lazy.value = host(ops.part, text(index));
          settle(lazy.value);
        }
        return lazy.value;
      },
      set: settle,
      enumerable: true,
      configurable: true,
    });
    return lazy;
  };

  /**
   * Tells what the answer changed in the event; says what is malformed. `given` is what the script
   * got at `head.node`.
   */
  const tellAllowed = (
    allowed: unknown,
    head: EventHead,
    given: unknown,
    lazies: readonly Lazy[],
  ): string | undefined => {
    const [trigger, action] = head.node;
    if (typeof allowed !== 'object' || allowed === null) return '"allowed" must hold the event';
    if (!hasOwn(allowed, trigger as string)) return `the returned event is not of the kind ${trigger}, which was given`;
    if (action !== undefined) {
      const branch = (allowed as Dictionary)[trigger as string];
      if (typeof branch !== 'object' || branch === null || !hasOwn(branch, action)) {
        return `the returned event is not of the kind ${trigger}/${action}, which was given`;
      }
    }
    if (head.keys === null) {
      host(ops.allowedSame, '');
      return undefined;
    }
    const node = at(allowed, head.node, head.node.length);
    if (typeof node !== 'object' || node === null) return 'the returned event has an empty part';
    if (head.keys.length > 0) {
      const chosen = create(null) as Dictionary;
      for (let index = 0; index < head.keys.length; index++) {
        const key = head.keys[index] as string;
        chosen[key] = (node as Dictionary)[key];
      }
      tell(ops.allowedWhole, chosen);
    } else if (node !== given || !tellParts(node as Dictionary, head, lazies)) tell(ops.allowedWhole, node);
    return undefined;
  };

  /** True when the parts are where they were, and what changed has been told. */
  const tellParts = (node: Dictionary, head: EventHead, lazies: readonly Lazy[]): boolean => {
    const depth = head.node.length;
    const inside: { lazy: Lazy; index: number; value: unknown }[] = [];
    for (let index = 0; index < lazies.length; index++) {
      const lazy = lazies[index] as Lazy;
      const path = head.lazy[index] as readonly string[];
      let holder: unknown = node;
      let belongs = path.length > depth;
      for (let step = 0; belongs && step < path.length - 1; step++) {
        if (step < depth) belongs = path[step] === head.node[step];
        else holder = (holder as Dictionary)?.[path[step] as string];
      }
      if (!belongs) continue;
      if (holder !== lazy.holder || !hasOwn(lazy.holder, lazy.key)) return false;
      inside[inside.length] = { lazy, index, value: undefined };
    }
    for (let index = 0; index < inside.length; index++) {
      const part = inside[index] as { lazy: Lazy; index: number; value: unknown };
      const { lazy } = part;
      // A frozen event cannot be taken apart.
      const descriptor = getOwnPropertyDescriptor(lazy.holder, lazy.key);
      if (descriptor === undefined || descriptor.configurable !== true) return false;
      if (lazy.touched) {
        const value = lazy.holder[lazy.key];
        if (value !== lazy.value || host(ops.isUnchanged, text(part.index), value) !== true) {
          host(ops.allowedPart, text(part.index));
          tell(ops.allowedPart, value);
        }
      }
      defineProperty(lazy.holder, lazy.key, { value: 0, enumerable: true, configurable: true, writable: true });
    }
    tell(ops.allowedSkeleton, node);
    return true;
  };

  const tellEffects = (effects: unknown): void => {
    if (effects === undefined || effects === null) return;
    if (!isArray(effects)) {
      host(ops.dropped, '/effects');
      host(ops.dropped, 'must be an array');
      return;
    }
    for (let index = 0; index < effects.length; index++) {
      if (index >= settings.effects) {
        host(ops.dropped, `/effects/${index}`);
        host(ops.dropped, `only ${settings.effects} effects a run are done`);
        return;
      }
      try {
        tell(ops.effect, withNoun(effects[index]));
      } catch (error) {
        host(ops.dropped, `/effects/${index}`);
        host(ops.dropped, describe(error));
        // An effect keeps its place, so that the pointers of the others stay right.
        host(ops.effect, 'null');
      }
    }
  };

  /**
   * A wait whose data is a handle takes the value with it: handles do not live longer than their
   * run.
   */
  const withNoun = (effect: unknown): unknown => {
    if (nouns.length === 1 || typeof effect !== 'object' || effect === null) return effect;
    const wait = (effect as Dictionary).wait;
    if (typeof wait !== 'object' || wait === null) return effect;
    const handle = (wait as Dictionary).data;
    const json = typeof handle === 'number' ? nouns[handle] : undefined;
    return typeof json === 'string' ? { wait: { ...wait, data: parse(json), noun: true } } : effect;
  };

  const fail = (error: unknown): void => {
    const message = describe(error);
    let stack = '';
    try {
      if (error instanceof ErrorOf) stack = cut(text(error.stack), 0, 2000);
    } catch {
      stack = '';
    }
    // Without an array: a script may have given arrays a toJSON.
    host(ops.failed, `[${stringify(message)},${stringify(stack)}]`);
  };

  const tellAnswer = (
    answer: unknown,
    head: EventHead,
    given: unknown,
    lazies: readonly Lazy[],
  ): string | undefined => {
    if (typeof answer !== 'object' || answer === null) return 'a hook returns {event, effects}';
    const result = (answer as Dictionary).event;
    if (typeof result !== 'object' || result === null) {
      return 'a hook returns {event, effects}, at once; "event" is {allowed: …} or {denied: …}';
    }
    const denies = hasOwn(result, 'denied');
    if (denies === hasOwn(result, 'allowed')) return '"event" must have one of the keys "allowed" and "denied"';
    tellEffects((answer as Dictionary).effects);
    if (!denies) return tellAllowed((result as Dictionary).allowed, head, given, lazies);
    const reason = (result as Dictionary).denied;
    if (typeof reason === 'object' && reason !== null) return '"denied" must be a text or null';
    const none =
      reason === null || typeof reason === 'undefined' || typeof reason === 'function' || typeof reason === 'symbol';
    host(ops.denied, none ? 'null' : stringify(cut(text(reason), 0, longestMessage)));
    return undefined;
  };

  const run = (): void => {
    const hook = module.exports;
    const handler = typeof hook === 'object' && hook !== null ? (hook as Dictionary).default : hook;
    if (typeof handler !== 'function') {
      host(ops.failed, '["TypeError: not a function: module.exports must be the hook","","load"]');
      return;
    }
    const head = host(ops.event, '') as EventHead;
    const event = head.event;
    const lazies: Lazy[] = [];
    for (let index = 0; index < head.lazy.length; index++)
      lazies[index] = makeLazy(event, head.lazy[index] as string[], index);
    const given = at(event, head.node, head.node.length);
    const wait = (event as Dictionary).wake as Dictionary | undefined;
    if (wait?.noun === true) {
      wait.data = keepNoun(toJson(wait.data));
      delete wait.noun;
    }
    defineProperty(scope, '_eve', { value: event, enumerable: true, configurable: true, writable: true });
    try {
      const why = tellAnswer(apply(handler, module, [event]), head, given, lazies);
      if (why !== undefined) host(ops.malformed, why);
    } catch (error) {
      fail(error);
    }
  };

  return { run, fail };
};
