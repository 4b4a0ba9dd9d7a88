// The guest's part that scripts see: require("tlon_hooks"), module, console, Math.random. Evaluated
// inside the engine: see source.ts.
import type { GuestConsole } from './console.ts';
import type { Host } from './host.ts';
import type { GuestLate } from './late.ts';
import type { GuestSettings } from './ops.ts';
import type { GuestValues } from './values.ts';

type Dictionary = Record<string, unknown>;

/** What run.ts needs of it: what the script exports, and the values that it keeps by number. */
export type GuestLibrary = {
  readonly module: { exports?: unknown };
  readonly nouns: (string | null)[];
  readonly keepNoun: (json: string) => number;
};

type Parts = {
  readonly console: GuestConsole;
  readonly late: GuestLate;
  readonly messages: () => unknown[];
  readonly values: GuestValues;
};

export const guestLibrary = (host: Host, settings: GuestSettings, parts: Parts): GuestLibrary => {
  const { ops } = settings;
  const { toJson, tell, cut } = parts.values;
  const { parse, stringify } = JSON;
  const { create, defineProperty, defineProperties, keys } = Object;
  const { apply, deleteProperty } = Reflect;
  const text = String;
  const ErrorOf = Error;
  const integer = Number.isInteger;
  const { exec } = RegExp.prototype;
  const termPattern = /^[a-z][a-z0-9-]*$/;
  const isTerm = (term: string): boolean => apply(exec, termPattern, [term]) !== null;
  const scope = globalThis as unknown as Dictionary;

  // A stack hands out the functions that stand on it, and ours stand there while a getter of the
  // script is read.
  const errors = Error as unknown as { prepareStackTrace: unknown };
  const { prepareStackTrace } = errors;
  errors.prepareStackTrace = (_error: unknown, sites: unknown) => sites;
  const [site] = new ErrorOf().stack as unknown as object[];
  errors.prepareStackTrace = prepareStackTrace;
  deleteProperty(Object.getPrototypeOf(site), 'getFunction');

  // Randomness: sfc32, seeded by the run's recorded seed at the first draw.

  let random: number[] | undefined;
  const draw = (): number => {
    random ??= host(ops.seed, '') as number[];
    const [a, b, c, counter] = random as [number, number, number, number];
    const sum = (((a + b) | 0) + counter) | 0;
    random[3] = (counter + 1) | 0;
    random[0] = b ^ (b >>> 9);
    random[1] = (c + (c << 3)) | 0;
    random[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  defineProperty(Math, 'random', {
    value: { random: () => ((draw() >>> 5) * 67108864 + (draw() >>> 6)) / 9007199254740992 }.random,
    configurable: true,
    writable: true,
  });

  // Messages

  const print = (line: string): 0 => {
    host(ops.print, line);
    return 0;
  };
  defineProperty(scope, 'console', { value: parts.console.methods, configurable: true, writable: true });

  // The library

  const need = (count: number, given: number, name: string): void => {
    if (given >= count) return;
    const plural = count === 1 ? 'argument' : 'arguments';
    throw new ErrorOf(`TypeError: failed to execute ${name}: at least ${count} ${plural} required`);
  };

  type Bowl = { nest: string | null; group: string | null; our: string; config: unknown; hook: unknown };
  // Fetched at the first look: a script that takes it at its top level loads the same in every run.
  const bowl = parts.late.lateFrozen(() => host(ops.bowl, '')) as unknown as Bowl;

  /** Ships go out as JSON text, so that the host sees whether it was given a text or a number. */
  const shipArgument = (ship: unknown): string | null => {
    if (typeof ship === 'string' || typeof ship === 'number') return stringify(ship);
    return typeof ship === 'bigint' && ship >= 0n ? text(ship) : null;
  };
  const normalize = (ship: unknown): string | null => {
    const argument = shipArgument(ship);
    return argument === null ? null : (host(ops.ship, argument) as string | null);
  };

  /** Values kept by object_to_noun, as JSON; 0 is the bowl, which has none. */
  const nouns: (string | null)[] = [null];
  const keepNoun = (json: string): number => {
    for (let index = 1; index < nouns.length; index++) if (nouns[index] === json) return index;
    nouns[nouns.length] = json;
    return nouns.length - 1;
  };

  type UniqueTime = { ms: number; dotted: string; plain: string };
  let timesTaken = 0;
  /** Two messages of one run must differ in their time: that is what they are known by. */
  const uniqueTime = (): UniqueTime => host(ops.uniqueTime, text(timesTaken++)) as UniqueTime;

  const fleetEffect = (ship: unknown, diff: unknown): unknown => {
    const { nest, group } = bowl;
    const name = normalize(ship);
    if (nest === null || group === null || name === null) return null;
    const time = (host(ops.uniqueTime, '0') as UniqueTime).dotted;
    return { groups: { flag: group, update: { time, diff: { fleet: { ships: [name], diff } } } } };
  };
  const roleEffect = (ship: unknown, role: unknown, change: string): unknown => {
    const term = text(role);
    return isTerm(term) ? fleetEffect(ship, { [change]: [term] }) : null;
  };
  const kindData = (nest: string, content: string): unknown => {
    if (cut(nest, 0, 6) === 'diary/') return { diary: { title: content, image: '' } };
    return cut(nest, 0, 5) === 'heap/' ? { heap: null } : { chat: null };
  };
  const postHere = (value: unknown): unknown => {
    const { nest, our } = bowl;
    const content = text(value);
    if (nest === null) return null;
    const essay = {
      content: [{ inline: [content] }],
      author: our,
      sent: uniqueTime().ms,
      'kind-data': kindData(nest, content),
    };
    return { channels: { channel: { nest, action: { post: { add: essay } } } } };
  };
  const sendDm = (ship: unknown, value: unknown): unknown => {
    const { our } = bowl;
    const name = normalize(ship);
    const content = text(value);
    if (name === null) return null;
    const { ms, dotted, plain } = uniqueTime();
    const memo = { content: [{ inline: [content] }], author: our, sent: ms };
    return { dm: { ship: name, diff: { id: `${our}/${dotted}`, delta: { add: { memo, kind: null, time: plain } } } } };
  };

  const functions = {
    get_state: () => host(ops.state, ''),
    set_state: (...args: unknown[]): 0 => {
      need(1, args.length, 'set-state');
      tell(ops.setState, args[0], '/state');
      return 0;
    },
    print: (...args: unknown[]): 0 => {
      need(1, args.length, 'print-js');
      return print(text(args[0]));
    },
    get_chat_messages_here: parts.messages,
    get_members_here: () => host(ops.members, ''),
    get_roles: (...args: unknown[]) => {
      need(1, args.length, 'get-roles');
      const ship = shipArgument(args[0]);
      return ship === null ? [] : host(ops.roles, ship);
    },
    ship_normalize: (...args: unknown[]) => {
      need(1, args.length, 'ship-number-to-str');
      return normalize(args[0]);
    },
    object_to_noun: (...args: unknown[]): number => {
      need(1, args.length, 'to-json');
      return keepNoun(toJson(args[0], '/object_to_noun'));
    },
    noun_to_object: (...args: unknown[]): unknown => {
      need(1, args.length, 'of-json');
      const index = args[0];
      const json =
        typeof index === 'number' && integer(index) && index > 0 && index < nouns.length ? nouns[index] : null;
      return typeof json === 'string' ? parse(json) : null;
    },
  };
  const effectFunctions = {
    add_user: (...args: unknown[]) => {
      need(1, args.length, 'add-user');
      return fleetEffect(args[0], { add: null });
    },
    kick_user: (...args: unknown[]) => {
      need(1, args.length, 'kick-user');
      return fleetEffect(args[0], { del: null });
    },
    give_role: (...args: unknown[]) => {
      need(2, args.length, 'give-role');
      return roleEffect(args[0], args[1], 'add-sects');
    },
    remove_role: (...args: unknown[]) => {
      need(2, args.length, 'remove-role');
      return roleEffect(args[0], args[1], 'del-sects');
    },
    post_here: (...args: unknown[]) => {
      need(1, args.length, 'post-here');
      return postHere(args[0]);
    },
    send_dm: (...args: unknown[]) => {
      need(2, args.length, 'send-dm');
      return sendDm(args[0], args[1]);
    },
  };
  const fixed = (methods: Dictionary): PropertyDescriptorMap => {
    const descriptors = create(null) as PropertyDescriptorMap;
    const names = keys(methods);
    for (let index = 0; index < names.length; index++) {
      const name = names[index] as string;
      descriptors[name] = { value: methods[name], enumerable: true, __proto__: null } as PropertyDescriptor;
    }
    return descriptors;
  };
  const effectDescriptors = fixed(effectFunctions);
  const libraryDescriptors = fixed(functions);
  libraryDescriptors.bowl = { value: bowl, enumerable: true, __proto__: null } as PropertyDescriptor;

  const require = (...args: unknown[]): unknown => {
    need(1, args.length, 'require');
    const name = text(args[0]);
    if (name !== 'tlon_hooks') throw new ErrorOf(`Name "${name}" not recognized by "require"`);
    const library = defineProperties({}, libraryDescriptors);
    const effects = defineProperties({}, effectDescriptors);
    return defineProperty(library, 'effects', {
      value: effects,
      enumerable: true,
      configurable: true,
      __proto__: null,
    } as PropertyDescriptor);
  };
  const exports = {};
  const module: { exports?: unknown } = { exports };
  defineProperty(scope, 'require', { value: require, enumerable: true });
  defineProperty(scope, 'module', { value: module, enumerable: true, configurable: true });
  defineProperty(scope, 'exports', { value: exports, enumerable: true, configurable: true, writable: true });

  return { module, nouns, keepNoun };
};
