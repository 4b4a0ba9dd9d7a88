// The guest's part that makes values which are parsed when a script first looks at them. Evaluated
// inside the engine: see source.ts.
//
// They are proxies, because a proxy can be frozen, copied, inherited from and described like the
// plain object that it stands for, which a getter cannot. Once a value is complete, its handler is
// empty and the engine goes straight to the object.

type Dictionary = Record<string, unknown>;

export type GuestLate = {
  /** An object of which `names` are own keys whose values are loaded at the first look. */
  readonly lateKeys: (target: Dictionary, names: readonly string[], load: (name: string) => unknown) => Dictionary;
  /** A frozen object that is loaded at the first look. */
  readonly lateFrozen: (load: () => unknown) => Dictionary;
};

export const guestLate = (): GuestLate => {
  const { create, freeze, keys } = Object;
  const { get, apply, deleteProperty, defineProperty, getOwnPropertyDescriptor } = Reflect;
  const { set, has, ownKeys, isExtensible, preventExtensions, setPrototypeOf } = Reflect;
  const ProxyOf = Proxy;

  const lateKeys: GuestLate['lateKeys'] = (target, late, load) => {
    const pending = create(null) as Dictionary;
    for (let index = 0; index < late.length; index++) pending[late[index] as string] = true;
    let left = late.length;
    const handler = create(null) as ProxyHandler<Dictionary>;
    const done = (key: string): void => {
      delete pending[key];
      if (--left > 0) return;
      for (const trap in handler) delete (handler as Dictionary)[trap];
    };
    const fill = (key: string | symbol): void => {
      if (typeof key !== 'string' || pending[key] !== true) return;
      target[key] = load(key);
      done(key);
    };
    handler.get = (self, key, receiver) => {
      fill(key);
      return get(self, key, receiver);
    };
    handler.getOwnPropertyDescriptor = (self, key) => {
      fill(key);
      return getOwnPropertyDescriptor(self, key);
    };
    handler.defineProperty = (self, key, descriptor) => {
      fill(key);
      return defineProperty(self, key, descriptor);
    };
    handler.deleteProperty = (self, key) => {
      fill(key);
      return deleteProperty(self, key);
    };
    return new ProxyOf(target, handler);
  };

  const deepFreeze = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const own = keys(value);
    for (let index = 0; index < own.length; index++) deepFreeze((value as Dictionary)[own[index] as string]);
    return freeze(value);
  };

  const lateFrozen: GuestLate['lateFrozen'] = (load) => {
    const target: Dictionary = {};
    const handler = create(null) as Dictionary;
    const fill = (): void => {
      const content = load() as Dictionary;
      for (const trap in handler) delete handler[trap];
      const own = keys(content);
      for (let index = 0; index < own.length; index++) target[own[index] as string] = content[own[index] as string];
      deepFreeze(target);
    };
    const operations: Dictionary = {
      __proto__: null,
      get,
      set,
      has,
      ownKeys,
      isExtensible,
      preventExtensions,
      setPrototypeOf,
    };
    operations.getOwnPropertyDescriptor = getOwnPropertyDescriptor;
    operations.defineProperty = defineProperty;
    operations.deleteProperty = deleteProperty;
    for (const name in operations) {
      handler[name] = (...args: unknown[]) => {
        fill();
        return apply(operations[name] as () => unknown, undefined, args);
      };
    }
    return new ProxyOf(target, handler as ProxyHandler<Dictionary>);
  };

  return { lateKeys, lateFrozen };
};
