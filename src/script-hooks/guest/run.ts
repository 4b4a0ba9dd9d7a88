// The guest's part that calls the hook: the event in, the answer out. Evaluated inside the engine:
// see source.ts.
import type { Host } from './host.ts';
import type { GuestLate } from './late.ts';
import type { EventHead, GuestSettings } from './ops.ts';
import type { GuestLibrary } from './tlon-hooks.ts';
import type { GuestValues } from './values.ts';

type Dictionary = Record<string, unknown>;

/** Functions that the host calls. What `run` throws, the host gives to `fail`. */
export type GuestRun = {
  readonly run: () => void;
  readonly fail: (error: unknown) => void;
  readonly reject: (reason: unknown) => void;
};

type Parts = { readonly late: GuestLate; readonly library: GuestLibrary; readonly values: GuestValues };

export const guestRun = (host: Host, settings: GuestSettings, parts: Parts): GuestRun => {
  const { ops, longestMessage } = settings;
  const { toJson, tell, cut, describe } = parts.values;
  const { module, nouns, keepNoun } = parts.library;
  const { lateKeys } = parts.late;
  const { parse, stringify } = JSON;
  const { isArray } = Array;
  const { create, defineProperty, getOwnPropertyDescriptor, getPrototypeOf, hasOwn } = Object;
  const { apply } = Reflect;
  const text = String;
  const ErrorOf = Error;
  const errorPrototype = Error.prototype;
  // biome-ignore lint/security/noGlobalEval: what a script declares with const is seen by its code alone
  const evaluate = globalThis.eval;
  const scope = globalThis as unknown as Dictionary;

  /** A key with undefined is no key. */
  const has = (value: unknown, key: string): value is Dictionary =>
    typeof value === 'object' && value !== null && hasOwn(value, key) && (value as Dictionary)[key] !== undefined;

  // The event goes in with its large parts missing; each is parsed when it is first looked at, and
  // a part that was not looked at need not come back.

  /** An object with large parts: what the script has, what is behind it, and where it hangs. */
  type Holder = { late: Dictionary; target: Dictionary; above: Dictionary | undefined; key: string };
  type Part = { holder: Holder; key: string; isTouched: boolean; value: unknown };

  const at = (root: unknown, path: readonly string[], length: number): unknown => {
    let value = root;
    for (let index = 0; index < length; index++) {
      if (typeof value !== 'object' || value === null) return undefined;
      value = (value as Dictionary)[path[index] as string];
    }
    return value;
  };

  const prepare = (event: Dictionary, paths: readonly (readonly string[])[]): Part[] => {
    const all: Part[] = [];
    for (let index = 0; index < paths.length; index++) {
      const path = paths[index] as readonly string[];
      const depth = path.length - 1;
      const found = at(event, path, depth) as Dictionary;
      let holder: Holder | undefined;
      for (let other = 0; other < index; other++) {
        if ((all[other] as Part).holder.late === found) holder = (all[other] as Part).holder;
      }
      if (holder === undefined) {
        const target = found;
        const names: string[] = [];
        // Parts of one holder stand together.
        for (let other = index; other < paths.length; other++) {
          const beside = paths[other] as readonly string[];
          if (beside.length === depth + 1 && at(event, beside, depth) === target) {
            names[names.length] = beside[depth] as string;
          }
        }
        const above = at(event, path, depth - 1) as Dictionary;
        const key = path[depth - 1] as string;
        const late = lateKeys(target, names, (name) => {
          let part = 0;
          while ((all[part] as Part).holder.target !== target || (all[part] as Part).key !== name) part++;
          const loaded = all[part] as Part;
          loaded.isTouched = true;
          loaded.value = host(ops.part, text(part));
          return loaded.value;
        });
        holder = { late, target, above, key };
        above[key] = late;
      }
      all[index] = { holder, key: path[depth] as string, isTouched: false, value: undefined };
    }
    return all;
  };

  /**
   * Tells what the answer changed in the event; says what is malformed. `given` is what the script
   * got at `head.node`.
   */
  const tellAllowed = (allowed: unknown, head: EventHead, given: unknown, all: readonly Part[]): string | undefined => {
    const [trigger, action] = head.node;
    if (typeof allowed !== 'object' || allowed === null) return '"allowed" must hold the event';
    if (!has(allowed, trigger as string)) return `the returned event is not of the kind ${trigger}, which was given`;
    if (action !== undefined && !has(allowed[trigger as string], action)) {
      return `the returned event is not of the kind ${trigger}/${action}, which was given`;
    }
    if (head.tellsReturned) host(ops.returned, toJson(allowed, '', true));
    if (head.keys === null) {
      host(ops.allowedSame, '');
      return undefined;
    }
    const node = at(allowed, head.node, head.node.length);
    if (typeof node !== 'object' || node === null) return 'the returned event has an empty part';
    const where = `/event/allowed/${trigger}/${action}`;
    if (head.keys.length > 0) {
      const chosen = create(null) as Dictionary;
      for (let index = 0; index < head.keys.length; index++) {
        const key = head.keys[index] as string;
        chosen[key] = (node as Dictionary)[key];
      }
      tell(ops.allowedWhole, chosen, where);
    } else if (node !== given || !tellParts(node as Dictionary, head, all, where)) {
      tell(ops.allowedWhole, node, where);
    }
    return undefined;
  };

  /** As it was made: neither frozen nor described anew. */
  const isOrdinary = (holder: Dictionary, key: string): boolean => {
    const descriptor = getOwnPropertyDescriptor(holder, key);
    if (descriptor === undefined) return false;
    const { configurable, enumerable, writable } = descriptor;
    return configurable === true && enumerable === true && writable === true;
  };

  /** True when the parts are where they were, and what changed has been told. */
  const tellParts = (node: Dictionary, head: EventHead, all: readonly Part[], where: string): boolean => {
    const depth = head.node.length;
    const inside: number[] = [];
    let root = node;
    for (let index = 0; index < all.length; index++) {
      const path = head.lazy[index] as readonly string[];
      const { holder, key } = all[index] as Part;
      let found: unknown = node;
      let belongs = path.length > depth;
      for (let step = 0; belongs && step < path.length - 1; step++) {
        if (step < depth) belongs = path[step] === head.node[step];
        else found = (found as Dictionary | undefined)?.[path[step] as string];
      }
      if (!belongs) continue;
      // A frozen event cannot be taken apart.
      if (found !== holder.late || !isOrdinary(holder.target, key)) return false;
      if (found === node) root = holder.target;
      else if (holder.above === undefined || !isOrdinary(holder.above, holder.key)) return false;
      inside[inside.length] = index;
    }
    for (let index = 0; index < inside.length; index++) {
      const number = inside[index] as number;
      const { holder, key, isTouched, value: before } = all[number] as Part;
      if (isTouched) {
        const value = holder.target[key];
        if (value !== before || host(ops.isUnchanged, text(number), value) !== true) {
          host(ops.allowedPart, text(number));
          tell(ops.allowedPart, value === undefined ? null : value, `${where}/${key}`);
        }
      }
      holder.target[key] = 0;
      if (holder.target !== root && holder.above !== undefined) holder.above[holder.key] = holder.target;
    }
    tell(ops.allowedSkeleton, root, where);
    return true;
  };

  const drop = (pointer: string, reason: string): void => {
    host(ops.dropped, pointer);
    host(ops.dropped, reason);
  };

  const tellEffects = (effects: unknown): void => {
    if (effects === undefined || effects === null) return;
    if (!isArray(effects)) {
      drop('/effects', isPromise(effects) ? 'is a promise: a hook answers at once' : 'must be an array');
      return;
    }
    for (let index = 0; index < effects.length; index++) {
      if (index >= settings.effects) {
        drop(`/effects/${index}`, `only ${settings.effects} effects a run are done`);
        return;
      }
      try {
        tell(ops.effect, withNoun(effects[index]), `/effects/${index}`);
      } catch (error) {
        drop(`/effects/${index}`, describe(error));
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

  const textOf = (value: unknown, key: string): string => {
    try {
      const found = (value as Dictionary)[key];
      return typeof found === 'string' ? cut(found, 0, 4000) : '';
    } catch {
      return '';
    }
  };

  /** The names of the script's own error classes: their constructors are not where it happened. */
  const classNames = (error: unknown): string => {
    let names = '';
    try {
      let prototype = getPrototypeOf(error);
      for (let depth = 0; depth < 10 && prototype !== null && prototype !== errorPrototype; depth++) {
        if (hasOwn(prototype, 'constructor')) names += `${text(prototype.constructor.name)}\n`;
        prototype = getPrototypeOf(prototype);
      }
    } catch {}
    return cut(names, 0, 500);
  };

  /** Message, stack and class names of what was thrown, and of its causes. */
  const chain = (error: unknown): string => {
    // Without an array: a script may have given arrays a toJSON.
    let json = '';
    let next = error;
    for (let depth = 0; depth < 5; depth++) {
      const isError = next instanceof ErrorOf;
      const stack = isError ? textOf(next, 'stack') : '';
      const names = isError ? classNames(next) : '';
      json += `${depth === 0 ? '' : ','}${stringify(describe(next))},${stringify(stack)},${stringify(names)}`;
      try {
        if (!isError || !hasOwn(next as object, 'cause')) break;
        next = (next as Error).cause;
      } catch {
        break;
      }
    }
    return `[${json}]`;
  };

  const fail = (error: unknown): void => {
    host(ops.failed, chain(error));
  };

  const reject = (reason: unknown): void => {
    host(ops.rejected, chain(reason));
  };

  const isPromise = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && typeof (value as Dictionary).then === 'function';

  const tellAnswer = (answer: unknown, head: EventHead, given: unknown, all: readonly Part[]): string | undefined => {
    if (isPromise(answer)) {
      return 'the hook returned a promise; it must return {event, effects} at once, so it can neither be async nor await anything';
    }
    if (typeof answer !== 'object' || answer === null) return 'a hook returns {event, effects}';
    const result = (answer as Dictionary).event;
    if (isPromise(result)) return '"event" is a promise; it must be {allowed: …} or {denied: …} at once';
    if (typeof result !== 'object' || result === null) {
      return 'a hook returns {event, effects}, at once; "event" is {allowed: …} or {denied: …}';
    }
    const allows = has(result, 'allowed');
    // Alone, a denial whose reason is undefined is still a denial.
    const denies = has(result, 'denied') || (!allows && hasOwn(result, 'denied') && !hasOwn(result, 'allowed'));
    if (denies === allows) return '"event" must have one of the keys "allowed" and "denied"';
    tellEffects((answer as Dictionary).effects);
    if (!denies) return tellAllowed((result as Dictionary).allowed, head, given, all);
    const reason = (result as Dictionary).denied;
    if (typeof reason === 'object' && reason !== null) return '"denied" must be a text or null';
    const none =
      reason === null || typeof reason === 'undefined' || typeof reason === 'function' || typeof reason === 'symbol';
    host(ops.denied, none ? 'null' : stringify(cut(text(reason), 0, longestMessage)));
    return undefined;
  };

  const exportedBy = (exported: unknown): unknown =>
    typeof exported === 'object' && exported !== null ? (exported as Dictionary).default : exported;

  /** The hook: what our module exports, or a module or exports that the script declared itself. */
  const findHook = (): unknown => {
    const hook = exportedBy(module.exports);
    if (typeof hook === 'function') return hook;
    const own = exportedBy(evaluate('typeof module === "undefined" || module === null ? undefined : module.exports'));
    if (typeof own === 'function') return own;
    return exportedBy(evaluate('typeof exports === "undefined" ? undefined : exports'));
  };

  const run = (): void => {
    const handler = findHook();
    if (typeof handler !== 'function') {
      host(ops.noHook, 'TypeError: not a function: module.exports must be the hook');
      return;
    }
    const head = host(ops.event, '') as EventHead;
    const event = head.event as Dictionary;
    const all = prepare(event, head.lazy);
    const given = at(event, head.node, head.node.length);
    const wait = event.wake as Dictionary | undefined;
    if (wait?.noun === true) {
      wait.data = keepNoun(toJson(wait.data, ''));
      delete wait.noun;
    }
    defineProperty(scope, '_eve', { value: event, enumerable: true, configurable: true, writable: true });
    const why = tellAnswer(apply(handler, module, [event]), head, given, all);
    if (why !== undefined) host(ops.malformed, why);
  };

  return { run, fail, reject };
};
