// The guest's part behind get_chat_messages_here(). Evaluated inside the engine: see source.ts.
import type { Host } from './host.ts';
import type { GuestSettings } from './ops.ts';

export const guestMessages = (host: Host, settings: GuestSettings): (() => unknown[]) => {
  const { ops, postsPerPage, mostPages } = settings;
  const { create } = Object;
  const { get, deleteProperty, defineProperty, getOwnPropertyDescriptor, ownKeys, preventExtensions, set } = Reflect;
  const ProxyOf = Proxy;
  const integer = Number.isInteger;

  const fetch = (start: number, end: number): unknown[] => host(ops.posts, `${start} ${end}`) as unknown[];

  return () => {
    const count = host(ops.postCount, '') as number;
    if (count <= postsPerPage) return count === 0 ? [] : fetch(0, count);
    const posts: unknown[] = [];
    posts.length = count;
    const pages = (count + postsPerPage - 1 - ((count - 1) % postsPerPage)) / postsPerPage;
    const loaded: boolean[] = [];
    let left = pages;
    const handler = create(null) as ProxyHandler<unknown[]>;

    /** Pages `first` (included) to `end` (not). */
    const load = (first: number, end: number): void => {
      const start = first * postsPerPage;
      const content = fetch(start, end * postsPerPage < count ? end * postsPerPage : count);
      for (let index = 0; index < content.length; index++) posts[start + index] = content[index];
      for (let page = first; page < end; page++) loaded[page] = true;
      left -= end - first;
      if (left > 0) return;
      // Complete: from now on the engine goes straight to the array.
      for (const trap in handler) delete (handler as Record<string, unknown>)[trap];
    };

    // Whoever walks along the array gets more pages at a time.
    let span = 1;
    let before = -1;
    let after = -1;
    const loadAt = (page: number): void => {
      if (loaded[page] === true) return;
      span = page !== before && page !== after ? 1 : span < mostPages ? span * 2 : mostPages;
      let first = page;
      let end = page + 1;
      if (page === before) while (first > 0 && end - first < span && loaded[first - 1] !== true) first--;
      else while (end < pages && end - first < span && loaded[end] !== true) end++;
      before = first - 1;
      after = end;
      load(first, end);
    };
    const loadFor = (key: string | symbol): void => {
      if (typeof key !== 'string') return;
      const index = +key;
      if (integer(index) && index >= 0 && index < count) loadAt((index - (index % postsPerPage)) / postsPerPage);
    };
    const loadAll = (): void => {
      for (let page = 0; page < pages; page++) {
        if (loaded[page] === true) continue;
        let end = page + 1;
        while (end < pages && end - page < mostPages && loaded[end] !== true) end++;
        load(page, end);
      }
    };

    // An array like any other, whose posts come when they are looked at. Whoever changes it gets
    // all of it first.
    handler.get = (target, key, receiver) => {
      loadFor(key);
      return get(target, key, receiver);
    };
    handler.has = (target, key) => {
      const index = typeof key === 'string' ? +key : -1;
      return (integer(index) && index >= 0 && index < count) || key in target;
    };
    handler.getOwnPropertyDescriptor = (target, key) => {
      loadFor(key);
      return getOwnPropertyDescriptor(target, key);
    };
    handler.ownKeys = (target) => {
      loadAll();
      return ownKeys(target);
    };
    handler.set = (target, key, value, receiver) => {
      loadAll();
      return set(target, key, value, receiver);
    };
    handler.defineProperty = (target, key, descriptor) => {
      loadAll();
      return defineProperty(target, key, descriptor);
    };
    handler.deleteProperty = (target, key) => {
      loadAll();
      return deleteProperty(target, key);
    };
    handler.preventExtensions = (target) => {
      loadAll();
      return preventExtensions(target);
    };
    return new ProxyOf(posts, handler);
  };
};
