// A community in memory, as small as can be: what the rules say of members, channels and posts with
// three hooks. It shares no code with what it judges.

export const ROLES = ['admin', 'vip'] as const;
export type Outcome = 'done' | 'refused' | 'denied';

export type Reply = { id: string; author: string; text: string; revision: number; reacts: Reacts };
export type Post = Reply & { replies: (Reply | { id: string; gone: true })[] };
type Reacts = Map<string, { react: string | null; revision: number }>;
type Channel = { writers: Set<string>; readers: Set<string>; joined: Set<string>; posts: Post[] };

/** Something that a ship does. `post`, `reply`: places in the lists; `text`: what is written. */
export type Command =
  | { readonly do: 'join'; readonly by: string }
  | { readonly do: 'leave'; readonly by: string }
  | { readonly do: 'kick' | 'ban' | 'unban'; readonly by: string; readonly ship: string }
  | { readonly do: 'give' | 'take'; readonly by: string; readonly ship: string; readonly role: string }
  | {
      readonly do: 'writers' | 'readers';
      readonly by: string;
      readonly nest: number;
      readonly role: string;
      readonly add: boolean;
    }
  | { readonly do: 'enter' | 'exit'; readonly by: string; readonly nest: number }
  | ({
      readonly by: string;
      readonly nest: number;
      readonly post: number;
      readonly reply: number;
      readonly text: string;
    } & {
      readonly do: 'post' | 'edit' | 'del' | 'react' | 'reply' | 'edit-reply' | 'del-reply' | 'react-reply';
    });

export type PostCommand = Extract<Command, { readonly text: string }>;

export const createOracle = (host: string) => {
  const members = new Map<string, Set<string>>([[host, new Set(['admin'])]]);
  const banned = new Set<string>();
  const channel = (): Channel => ({ writers: new Set(), readers: new Set(), joined: new Set([host]), posts: [] });
  const channels = [channel(), channel()];
  /** What the hook that counts has counted. */
  let counted = 0;

  const isAdmin = (ship: string) => ship === host || (members.get(ship)?.has('admin') ?? false);
  const has = (ship: string, roles: Set<string>) =>
    members.has(ship) && (roles.size === 0 || [...roles].some((role) => members.get(ship)?.has(role)));
  const mayRead = (ship: string, { readers }: Channel) => isAdmin(ship) || has(ship, readers);
  const mayWrite = (ship: string, { writers }: Channel) => isAdmin(ship) || has(ship, writers);
  const close = () => {
    for (const one of channels) for (const ship of one.joined) if (!mayRead(ship, one)) one.joined.delete(ship);
  };
  const remove = (ship: string) => {
    members.delete(ship);
    for (const one of channels) one.joined.delete(ship);
  };

  const shouted = (text: string) => (text.includes('up') ? text.toUpperCase() : text);

  /**
   * What the hooks make of a text; undefined: they deny. On the first channel they count, deny and
   * shout, on the second it is the other way round.
   */
  const hooked = (nest: number, text: string): string | undefined => {
    const isDenied = (nest === 0 ? text : shouted(text)).includes('no');
    if (nest === 0 || !isDenied) counted += 1;
    return isDenied ? undefined : shouted(text);
  };

  /** Of what has no text to shout; answers whether it may be. */
  const passes = (nest: number, text: string): boolean => {
    const isDenied = text.includes('no');
    if (nest === 0 || !isDenied) counted += 1;
    return !isDenied;
  };

  const react = (reacts: Reacts, ship: string, value: string | null) => {
    const known = reacts.get(ship);
    if ((known?.react ?? null) === value) return;
    reacts.set(ship, { react: value, revision: known ? known.revision + 1 : 0 });
  };
  const reactionOf = (text: string) => (text === '' ? null : text);

  const onPost = (command: PostCommand, id: string): Outcome => {
    const { by, nest, text } = command;
    const place = channels[nest] as Channel;
    if (!place.joined.has(by) || !mayWrite(by, place)) return 'refused';
    if (command.do === 'post') {
      const kept = hooked(nest, text);
      if (kept === undefined) return 'denied';
      place.posts.push({ id, author: by, text: kept, revision: 0, reacts: new Map(), replies: [] });
      return 'done';
    }
    const post = place.posts[command.post];
    if (!post) return 'done';
    if (command.do === 'edit') {
      if (!isAdmin(by) && post.author !== by) return 'refused';
      const kept = hooked(nest, text);
      if (kept === undefined) return 'denied';
      Object.assign(post, { text: kept, author: by, revision: post.revision + 1 });
    } else if (command.do === 'del') {
      if (!isAdmin(by) && post.author !== by) return 'refused';
      passes(nest, '');
      place.posts.splice(command.post, 1);
    } else if (command.do === 'react') {
      if (!passes(nest, text)) return 'denied';
      react(post.reacts, by, reactionOf(text));
    } else return onReply(command, post, id);
    return 'done';
  };

  const onReply = (command: PostCommand, post: Post, id: string): Outcome => {
    const { by, nest, text } = command;
    if (command.do === 'reply') {
      const kept = hooked(nest, text);
      if (kept === undefined) return 'denied';
      post.replies.push({ id, author: by, text: kept, revision: 0, reacts: new Map() });
      return 'done';
    }
    const reply = post.replies[command.reply];
    if (!reply || 'gone' in reply) return 'done';
    if (command.do === 'edit-reply') {
      if (reply.author !== by) return 'refused';
      const kept = hooked(nest, text);
      if (kept === undefined) return 'denied';
      Object.assign(reply, { text: kept, revision: reply.revision + 1 });
    } else if (command.do === 'del-reply') {
      if (!isAdmin(by) && reply.author !== by) return 'refused';
      passes(nest, '');
      post.replies[command.reply] = { id: reply.id, gone: true };
    } else {
      if (!passes(nest, text)) return 'denied';
      react(reply.reacts, by, reactionOf(text));
    }
    return 'done';
  };

  const own = (command: Extract<Command, { readonly do: 'join' | 'leave' | 'enter' | 'exit' }>): Outcome => {
    const { by } = command;
    if (command.do === 'join') {
      if (banned.has(by)) return 'refused';
      if (!members.has(by)) members.set(by, new Set());
    } else if (command.do === 'leave') {
      if (by === host) return 'refused';
      remove(by);
    } else {
      const place = channels[command.nest] as Channel;
      if (command.do === 'exit') place.joined.delete(by);
      else if (mayRead(by, place)) place.joined.add(by);
      else return 'refused';
    }
    return 'done';
  };

  const rule = (command: Extract<Command, { readonly ship: string } | { readonly add: boolean }>): Outcome => {
    // Everybody may remove themselves.
    const leaves = command.do === 'kick' && command.ship === command.by;
    if (!isAdmin(command.by) && !leaves) return 'refused';
    if ('add' in command) {
      const roles = channels[command.nest]?.[command.do] as Set<string>;
      if (command.add) roles.add(command.role);
      else roles.delete(command.role);
    } else if (command.do === 'unban') banned.delete(command.ship);
    else if (command.do === 'give') members.get(command.ship)?.add(command.role);
    else if (command.do === 'take') {
      if (command.ship !== host || command.role !== 'admin') members.get(command.ship)?.delete(command.role);
    } else if (command.ship === host) return 'refused';
    else {
      remove(command.ship);
      if (command.do === 'ban') banned.add(command.ship);
    }
    close();
    return 'done';
  };

  /** @param id of what is made, if the command makes something. */
  const act = (command: Command, id: string): Outcome => {
    if ('text' in command) return onPost(command, id);
    return 'ship' in command || 'add' in command ? rule(command) : own(command);
  };

  return { act, members, banned, channels, counted: () => counted };
};
