// biome-ignore-all lint: generated
// biome-ignore-all format: generated
// What scripts see. Generated from the types of Hookwright: do not edit.
declare module 'tlon_hooks' {
  /** A hook: what a script assigns to `module.exports`. Called with the event, it says at once what becomes of it. */
  export type Hook = (event: Event) => { event: EventResult; effects?: Array<Effect | null> };

  /** Anything that names a ship: `"~sampel-palnet"`, `"sampel-palnet"` or a number. */
  export type ShipLike = Ship | number | bigint;

  /** The hook's state, as a fresh JSON value; `null` at first. */
  export function get_state(): any;
  /**
   * Saves a JSON value as the hook's new state, at most 1 MiB. It counts if the run does not fail.
   */
  export function set_state(state: unknown): 0;
  /**
   * All messages of the channel where the hook runs, oldest first. They are fetched as they are
   * looked at.
   */
  export function get_chat_messages_here(): VPost[];
  /** The ships of the group. */
  export function get_members_here(): Ship[];
  /** The roles of a ship in the group. */
  export function get_roles(ship: ShipLike | null): Role[];
  /** A ship's name with its `~`, or null for what is no ship. */
  export function ship_normalize(ship: unknown): Ship | null;
  /** Writes a line into the hook's log. */
  export function print(text: unknown): 0;
  /** Keeps a JSON value for this run, and across a wait; gives its handle. */
  export function object_to_noun(value: unknown): number;
  /** The value of a handle, or null. */
  export function noun_to_object(handle: number): any;

  /** Where the hook runs; read-only. */
  export const bowl: {
    readonly nest: Nest | null;
    readonly group: Flag | null;
    readonly our: Ship;
    readonly src: Ship;
    readonly now: Millis;
    readonly config: Readonly<Record<string, any>>;
    readonly hook: { readonly id: string; readonly name: string };
  };

  /**
   * Functions that build effects. They give null when it is not possible here; null among the effects
   * is nothing.
   */
  export const effects: {
    /** Adds a ship to the group. */
    add_user(ship: ShipLike | null): Effect | null;
    /** Removes a ship from the group. */
    kick_user(ship: ShipLike | null): Effect | null;
    /** Gives a member of the group a role. */
    give_role(ship: ShipLike | null, role: string): Effect | null;
    /** Takes a role from a member of the group. */
    remove_role(ship: ShipLike | null, role: string): Effect | null;
    /** Posts a message to the channel. */
    post_here(text: unknown): Effect | null;
    /** Sends a direct message. */
    send_dm(ship: ShipLike | null, text: unknown): Effect | null;
  };

  /** An object with one of these keys. `in` tells which with `exactOptionalPropertyTypes` in jsconfig.json. */
  export type OneOf<T> = { [K in keyof T]: { [P in K]: T[P] } & { [P in Exclude<keyof T, K>]?: never } }[keyof T];

  /** An Essay that a script writes: its author in any spelling. */
  export type NewEssay = Omit<Essay, 'author'> & { author: ShipLike };

  /** A Memo that a script writes: its author in any spelling. */
  export type NewMemo = Omit<Memo, 'author'> & { author: ShipLike };

  /** A group chat: `"0v…"`. */
  export type ClubId = string;

  /** An Id with dots: `"170.141.184.507…"`. Accepted without dots too. */
  export type DottedId = string;

  /** A group: `"~host/name"`. */
  export type Flag = string;

  /** When something was posted, and its name: decimal digits, for example `"170141184507313431682019536779450777600"`. */
  export type Id = string;

  /** A chat message: `"~ship/170.141…"`. */
  export type MessageId = string;

  /** Milliseconds since 1970. */
  export type Millis = number;

  /** A channel: `"chat/~host/name"`, kind `chat`, `diary` or `heap`. */
  export type Nest = string;

  /** How often something was edited: `"0"`, `"12"`, `"1.000"`. */
  export type Revision = string;

  /** The name of a role: letters a-z, digits and `-`, beginning with a letter. */
  export type Role = string;

  /** A user: `"~sampel-palnet"`. Accepted without the sig, quoted, or as a number too. */
  export type Ship = string;

  /** A name of letters a-z, digits and `-`, beginning with a letter. */
  export type Term = string;

  /** The id of a hook or of a wait: a number, a text of digits, or `"0v…"`. */
  export type Uv =
    | number
    | string;

  /** What a post has besides its text. Must fit the kind of the channel. */
  export type KindData = OneOf<{
    diary: { title: string; image: string };
    heap: null | string;
    chat: null | { notice: null };
  }>;

  /** A piece of running text. Kinds that are not listed pass through untouched. */
  export type Inline = string | OneOf<{
    italics: Inline[];
    bold: Inline[];
    strike: Inline[];
    blockquote: Inline[];
    ship: Ship;
    "inline-code": string;
    code: string;
    tag: string;
    break: null;
    block: { index: number; text: string };
    link: { href: string; content: string };
    task: { checked: boolean; content: Inline[] };
  }>;

  /** A list (`ordered`, `unordered` or `tasklist`) or an item of one. */
  export type Listing = OneOf<{
    list: { type: string; items: Listing[]; contents: Inline[] };
    item: Inline[];
  }>;

  /** A reference to a group, an app, or a post; `where` is a path. */
  export type Cite = OneOf<{
    group: Flag;
    desk: { flag: Flag; where: string };
    chan: { nest: Nest; where: string };
    bait: { group: string; graph: string; where: string };
  }>;

  /** A paragraph that is not running text. Unlisted kinds pass through. */
  export type Block = OneOf<{
    rule: null;
    cite: Cite;
    listing: Listing;
    code: { code: string; lang: string };
    header: { tag: string; content: Inline[] };
    image: { src: string; height: number; width: number; alt: string };
  }>;

  /** A paragraph. */
  export type Verse = OneOf<{
    block: Block;
    inline: Inline[];
  }>;

  /** The text of a post. */
  export type Story = Verse[];

  /** A post's content: what its author wrote. */
  export type Essay = {
    content: Story;
    author: Ship;
    sent: Millis;
    "kind-data": KindData;
  };

  /** Reactions by ship; `react` is an emoji or its shortcode, null when it was taken back. */
  export type VReacts = Record<string, { revision: Revision; react: null | string }>;

  /** A reply; `id` is unique within its post. */
  export type VReply = {
    id: Id;
    reacts: VReacts;
    revision: Revision;
    content: Story;
    author: Ship;
    sent: Millis;
  };

  /** A post's surroundings; the keys of `replies` are ids with dots, null stands for a deleted reply. */
  export type Seal = {
    id: Id;
    replies: Record<string, null | VReply>;
    reacts: VReacts;
  };

  /** A post with its replies and reactions. */
  export type VPost = {
    seal: Seal;
    revision: Revision;
    essay: Essay;
  };

  /** Somebody posts, edits, deletes, or reacts (`react: null` takes a reaction back). */
  export type OnPost = OneOf<{
    add: VPost;
    edit: { original: VPost; essay: Essay };
    del: VPost;
    react: { post: VPost; ship: Ship; react: null | string };
  }>;

  /** The content of a reply or of a chat message. */
  export type Memo = {
    content: Story;
    author: Ship;
    sent: Millis;
  };

  /** The same for replies; `parent` is the post that is replied to. */
  export type OnReply = OneOf<{
    add: { parent: VPost; reply: VReply };
    edit: { parent: VPost; original: VReply; memo: Memo };
    del: { parent: VPost; original: VReply };
    react: { parent: VPost; reply: VReply; ship: Ship; react: null | string };
  }>;

  /** A wake-up. `id` names it (the same id replaces it), `hook` is who is woken (left out: this hook), `data` any JSON value that comes back. `noun` is set by us when `data` was a handle of `object_to_noun`. */
  export type WaitingHook = {
    id: Uv;
    hook?: Uv | null;
    data: any;
    "fires-at": Millis;
    noun?: boolean;
  };

  /** What happened: the one argument of a hook. */
  export type Event = OneOf<{
    "on-post": OnPost;
    "on-reply": OnReply;
    cron: null;
    wake: WaitingHook;
  }>;

  /** Let the event happen, as it is or changed; or refuse it, with a reason. */
  export type EventResult = OneOf<{
    allowed: Event;
    denied: null | string;
  }>;

  /** A new channel. No readers or writers: everyone. `meta` is as clients write it. */
  export type CreateChannel = {
    kind: Term;
    name: Term;
    group: Flag;
    title: string;
    description: string;
    readers: Role[];
    writers: Role[];
    meta?: string | null;
  };

  export type ActionReply =
    | { add: NewMemo }
    | { del: DottedId }
    | { edit: { id: DottedId; memo: NewMemo } }
    | { "add-react": { id: DottedId; ship: ShipLike; react: string } }
    | { "del-react": { id: DottedId; ship: ShipLike } };

  export type ActionPost =
    | { add: NewEssay }
    | { edit: { id: DottedId; essay: NewEssay } }
    | { del: DottedId }
    | { reply: { id: DottedId; action: ActionReply } }
    | { "add-react": { id: DottedId; ship: ShipLike; react: string } }
    | { "del-react": { id: DottedId; ship: ShipLike } };

  /** `view`: grid or list; `sort`: time, alpha or arranged; `meta`: as clients write it. */
  export type ActionChannel =
    | { join: Flag }
    | { leave: null }
    | { read: null }
    | { "read-at": DottedId }
    | { watch: null }
    | { unwatch: null }
    | { post: ActionPost }
    | { view: string }
    | { sort: string }
    | { order: null | DottedId[] }
    | { meta: null | string }
    | { "add-writers": Role[] }
    | { "del-writers": Role[] };

  /** Hide a post from our own view, or show it again. */
  export type PostToggle =
    | { hide: DottedId }
    | { show: DottedId };

  export type ActionChannels =
    | { create: CreateChannel }
    | { pin: Nest[] }
    | { channel: { nest: Nest; action: ActionChannel } }
    | { "toggle-post": PostToggle };

  /** Add members, remove them, give them roles, take roles away. */
  export type FleetDiff =
    | { add: null }
    | { del: null }
    | { "add-sects": Role[] }
    | { "del-sects": Role[] };

  export type Meta = {
    title: string;
    description: string;
    image: string;
    cover: string;
  };

  /** A channel as its group lists it. No readers: everyone reads. */
  export type Channel = {
    meta: Meta;
    added: Millis;
    zone: Term;
    join: boolean;
    readers: Role[];
  };

  export type ChannelDiff =
    | { add: Channel }
    | { edit: Channel }
    | { del: null }
    | { "add-sects": Role[] }
    | { "del-sects": Role[] }
    | { zone: Term }
    | { join: boolean };

  export type CabalDiff =
    | { add: Meta }
    | { edit: Meta }
    | { del: null };

  export type BlocDiff =
    | { add: Role[] }
    | { del: Role[] };

  /** Ban and unban, by ship or by rank (`czar`, `king`, `duke`, `earl`, `pawn`). */
  export type OpenCordonDiff =
    | { "add-ships": ShipLike[] }
    | { "del-ships": ShipLike[] }
    | { "add-ranks": string[] }
    | { "del-ranks": string[] };

  /** `kind` is `pending` (invited) or `ask` (asked to join). */
  export type ShutCordonDiff =
    | { "add-ships": { kind: string; ships: ShipLike[] } }
    | { "del-ships": { kind: string; ships: ShipLike[] } };

  /** Who may join. */
  export type Cordon =
    | { open: { ships: ShipLike[]; ranks: string[] } }
    | { shut: { pending: ShipLike[]; ask: ShipLike[] } }
    | { afar: { app: string; path: string; desc: string } };

  export type CordonDiff =
    | { open: OpenCordonDiff }
    | { shut: ShutCordonDiff }
    | { swap: Cordon };

  /** Members by ship. `joined` is 0 for one who was added and never came. */
  export type Fleet = Record<string, { sects: Role[]; joined: Millis }>;

  /** Roles by name. */
  export type Cabals = Record<string, { meta: Meta }>;

  /** Sections by id, with the order of their channels. */
  export type Zones = Record<string, { meta: Meta; idx: Nest[] }>;

  /** Channels by nest. */
  export type Channels = Record<string, Channel>;

  /** Reported posts: channel, post, who reported it and its replies. */
  export type FlaggedContent = Record<string, Record<string, { flagged: boolean; flaggers: ShipLike[]; replies: Record<string, ShipLike[]> }>>;

  export type Group = {
    fleet: Fleet;
    cabals: Cabals;
    zones: Zones;
    "zone-ord": Term[];
    channels: Channels;
    "active-channels": Nest[];
    bloc: Role[];
    cordon: Cordon;
    meta: Meta;
    secret: boolean;
    "flagged-content": FlaggedContent;
  };

  export type ZoneDelta =
    | { add: Meta }
    | { edit: Meta }
    | { del: null }
    | { mov: number }
    | { "mov-nest": { nest: Nest; idx: number } };

  export type ZoneDiff = {
    zone: Term;
    delta: ZoneDelta;
  };

  /** Report a post, or a reply of it. */
  export type FlagContent = {
    nest: Nest;
    "post-key": { post: Id; reply: null | Id };
    src: ShipLike;
  };

  /** What can be changed in a group. */
  export type DiffGroups =
    | { fleet: { ships: ShipLike[]; diff: FleetDiff } }
    | { channel: { nest: Nest; diff: ChannelDiff } }
    | { cabal: { sect: Role; diff: CabalDiff } }
    | { bloc: BlocDiff }
    | { cordon: CordonDiff }
    | { create: Group }
    | { zone: ZoneDiff }
    | { meta: Meta }
    | { secret: boolean }
    | { del: null }
    | { "flag-content": FlagContent };

  /** A change of a group. `time` is ignored: the host says when. */
  export type ActionGroups = {
    flag: Flag;
    update: { time?: string | null; diff: DiffGroups };
  };

  export type MsgKey = {
    id: MessageId;
    time: DottedId;
  };

  export type PostEvent = {
    key: MsgKey;
    channel: Nest;
    group: Flag;
    content: Story;
    mention: boolean;
  };

  export type ReplyEvent = {
    key: MsgKey;
    parent: MsgKey;
    channel: Nest;
    group: Flag;
    content: Story;
    mention: boolean;
  };

  export type ChanInitEvent = {
    channel: Nest;
    group: Flag;
  };

  /** A ship, or a group chat. */
  export type Whom =
    | { ship: ShipLike }
    | { club: ClubId };

  export type DM_PostEvent = {
    key: MsgKey;
    whom: Whom;
    content: Story;
    mention: boolean;
  };

  export type DM_ReplyEvent = {
    key: MsgKey;
    parent: MsgKey;
    whom: Whom;
    content: Story;
    mention: boolean;
  };

  export type FlagPostEvent = {
    key: MsgKey;
    channel: Nest;
    group: Flag;
  };

  export type FlagReplyEvent = {
    key: MsgKey;
    parent: MsgKey;
    channel: Nest;
    group: Flag;
  };

  export type GroupEvent = {
    group: Flag;
    ship: ShipLike;
  };

  export type GroupRoleEvent = {
    group: Flag;
    ship: ShipLike;
    roles: Role[];
  };

  /** Something that the host is told about. */
  export type IncomingEvent =
    | { post: PostEvent }
    | { reply: ReplyEvent }
    | { "chan-init": ChanInitEvent }
    | { "dm-invite": Whom }
    | { "dm-post": DM_PostEvent }
    | { "dm-reply": DM_ReplyEvent }
    | { "flag-post": FlagPostEvent }
    | { "flag-reply": FlagReplyEvent }
    | { "group-ask": GroupEvent }
    | { "group-join": GroupEvent }
    | { "group-kick": GroupEvent }
    | { "group-invite": GroupEvent }
    | { "group-role": GroupRoleEvent };

  /** Where an activity belongs. */
  export type ActivitySource =
    | { base: null }
    | { group: Flag }
    | { dm: Whom }
    | { contact: ShipLike }
    | { channel: { nest: Nest; group: Flag } }
    | { thread: { key: MsgKey; channel: Nest; group: Flag } }
    | { "dm-thread": { key: MsgKey; whom: Whom } };

  /** `all` without a time reads everything; `deep` reads the threads below too. */
  export type ReadAction =
    | { item: DottedId }
    | { all: { time?: DottedId | null; deep?: boolean | null } }
    | { event: IncomingEvent };

  /** How loud a kind of event is. */
  export type VolumeMap = Record<string, { unreads: boolean; notify: boolean }>;

  /** `allow-notifications`: all, some or none. */
  export type ActionActivity =
    | { add: IncomingEvent }
    | { del: ActivitySource }
    | { read: { source: ActivitySource; action: ReadAction } }
    | { adjust: { source: ActivitySource; volume: null | VolumeMap } }
    | { "allow-notifications": string };

  /** What is done to a reply in a chat. */
  export type ReplyDelta = {
    id: MessageId;
    meta?: null | null;
    delta: { del: null } | { "add-react": { ship: ShipLike; react: string } } | { "del-react": ShipLike } | { add: { memo: NewMemo; time?: Id | null } };
  };

  /** What is done to a message in a chat. `time` is ignored: it is when the message came. */
  export type WritsDelta =
    | { del: null }
    | { "add-react": { ship: ShipLike; react: string } }
    | { "del-react": ShipLike }
    | { reply: ReplyDelta }
    | { add: { memo: NewMemo; kind?: { notice: null } | null; time?: Id | null } };

  export type ActionDM = {
    ship: ShipLike;
    diff: { id: MessageId; delta: WritsDelta };
  };

  /** A message, the title, an answer to an invitation, an invitation, the beginning. */
  export type ClubDelta =
    | { writ: { id: MessageId; delta: WritsDelta } }
    | { meta: Meta }
    | { team: { ship: ShipLike; ok: boolean } }
    | { hive: { by: ShipLike; for: ShipLike; add: boolean } }
    | { init: { team: ShipLike[]; hive: ShipLike[]; meta: Meta } };

  /** The value of a field of a profile; null deletes the field. */
  export type ValueContact =
    | null
    | { text: string }
    | { numb: number }
    | { date: Millis }
    | { tint: number }
    | { ship: ShipLike }
    | { look: string }
    | { flag: Flag }
    | { set: ValueContact[] };

  /** A page of the contact book: of a ship, or one without. */
  export type Kip =
    | { ship: ShipLike }
    | { id: number | string };

  /** A profile: nickname, bio, status, color, avatar, cover, groups, and what else one likes. */
  export type Contact = Record<string, ValueContact>;

  export type ActionContacts =
    | { anon: null }
    | { self: Contact }
    | { page: { kip: Kip; contact: Contact } }
    | { edit: { kip: Kip; contact: Contact } }
    | { wipe: Kip[] }
    | { meet: ShipLike[] }
    | { drop: ShipLike[] }
    | { snub: ShipLike[] };

  /** An action of the host, done after the event itself. */
  export type Effect =
    | { channels: ActionChannels }
    | { groups: ActionGroups }
    | { activity: ActionActivity }
    | { dm: ActionDM }
    | { club: ActionClub }
    | { contacts: ActionContacts }
    | { wait: WaitingHook }
    | { trigger: TriggerTaskHook };

  /** `uid` is ignored: a fresh one is used. */
  export type ActionClub = {
    id: ClubId;
    diff: { uid?: string; echo?: any; delta: ClubDelta };
  };

  /** Fires a task hook with `payload`, an object (left out: `{}`), by the scopes of the role `hook-id:scripts/<name of the hook>`. */
  export type TriggerTaskHook = {
    hookGroupId: string;
    hookId: string;
    payload?: any;
  };
}

/** The one library that there is. */
declare function require(name: 'tlon_hooks'): typeof import('tlon_hooks');
declare var module: { exports: any };
declare var exports: any;
/** Other spellings of `print`, for values of every kind. */
declare var console: Record<
  'log' | 'info' | 'warn' | 'error' | 'debug' | 'dir' | 'dirxml' | 'table' | 'trace' | 'group' | 'groupCollapsed',
  (...values: unknown[]) => void
> & {
  assert(holds: unknown, ...values: unknown[]): void;
  count(label?: string): void;
  countReset(label?: string): void;
  /** The clock of a run stands still: what was timed took 0 ms. */
  time(label?: string): void;
  timeLog(label?: string, ...values: unknown[]): void;
  timeEnd(label?: string): void;
  groupEnd(): void;
};
