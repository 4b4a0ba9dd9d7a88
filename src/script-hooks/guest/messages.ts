// The guest's part behind get_chat_messages_here(). Evaluated inside the engine: see source.ts.
import type { Host } from './host.ts';
import type { GuestSettings, PagesFrom } from './ops.ts';

export const guestMessages = (host: Host, settings: GuestSettings): (() => unknown[]) => {
  const { ops, postsPerPage, mostPosts } = settings;
  const { create, hasOwn } = Object;
  const { get, deleteProperty, defineProperty, getOwnPropertyDescriptor, ownKeys, preventExtensions, set } = Reflect;
  const ProxyOf = Proxy;
  const integer = Number.isInteger;

  /** Those that fit into an answer, one at least: the first of them, or the last. */
  const fetch = (start: number, end: number, from: PagesFrom): unknown[] =>
    host(ops.posts, `${start} ${end} ${from}`) as unknown[];

  return () => {
    const count = host(ops.postCount, '') as number;
    const isShort = count > 0 && count <= postsPerPage;
    const newest = isShort ? fetch(0, count, 'end') : [];
    if (newest.length === count) return newest;
    const posts: unknown[] = [];
    posts.length = count;
    const handler = create(null) as ProxyHandler<unknown[]>;
    let left = count;

    // Whoever walks along the array gets more posts at a time, and fewer where posts are large.
    let span = postsPerPage;
    let before = -1;
    let after = -1;
    const put = (content: unknown[], start: number): void => {
      for (let index = 0; index < content.length; index++) posts[start + index] = content[index];
      before = start - 1;
      after = start + content.length;
      left -= content.length;
      if (left > 0) return;
      // Complete: from now on the engine goes straight to the array.
      for (const trap in handler) delete (handler as Record<string, unknown>)[trap];
    };
    const loadAt = (index: number): void => {
      if (hasOwn(posts, index)) return;
      if (index !== before && index !== after) span = postsPerPage;
      let start = index;
      let end = index + 1;
      const from = index === before || end === count ? 'end' : 'start';
      if (from === 'end') while (start > 0 && end - start < span && !hasOwn(posts, start - 1)) start--;
      else while (end < count && end - start < span && !hasOwn(posts, end)) end++;
      const content = fetch(start, end, from);
      const isCut = content.length < end - start;
      span = isCut ? content.length + 1 : span * 2 < mostPosts ? span * 2 : mostPosts;
      put(content, from === 'end' ? end - content.length : start);
    };
    const loadFor = (key: string | symbol): void => {
      if (typeof key !== 'string') return;
      const index = +key;
      if (integer(index) && index >= 0 && index < count) loadAt(index);
    };
    const loadAll = (): void => {
      for (let index = 0; index < count; index++) loadAt(index);
    };
    if (newest.length > 0) put(newest, count - newest.length);

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
