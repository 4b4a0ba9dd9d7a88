-- Up Migration

-- The users. The host's ship is one of them.
create table ships (
  ship text collate "C" primary key,
  login_code bytea not null,            -- sealed
  code_digest bytea not null unique,    -- keyed, so that a login finds its ship
  notifications text not null default 'some' check (notifications in ('all', 'some', 'none')),
  created timestamptz not null
);

create table groups (
  flag text collate "C" primary key,
  -- One more with every change; begins with the time, so that a group that was deleted and made again has no version twice.
  version bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint,
  doc json not null
);

-- Which groups a ship is in: what `doc` says, the other way round.
create table group_members (
  ship text collate "C" not null,
  flag text collate "C" not null,
  primary key (ship, flag)
);
create index group_members_of_group on group_members (flag);

create table channels (
  nest text collate "C" primary key,
  flag text collate "C" not null,
  version bigint not null default 1,    -- one more with every change, of its posts too
  posts integer not null default 0,     -- those that are not deleted
  doc json not null                     -- view, sort, order, writers
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 2000);
create index channels_of_group on channels (flag);

-- Whom a post or a reply mentions: at most 20, so that they fit an index.
create function mentions_of(doc json) returns text[] language sql immutable parallel safe
  return (select (array_agg(distinct found[1]))[1:20]
          from regexp_matches(doc::text, '"ship":"(~[a-z-]{3,63})"', 'g') as found);

-- A post without its replies. `doc` is null when it was deleted: its id is not used again.
create table posts (
  nest text collate "C" not null,
  id numeric not null,
  author text collate "C" not null,
  doc json,
  mentions text[] generated always as (mentions_of(doc)) stored,
  primary key (nest, id)
);
create index posts_shown on posts (nest, id) include (author) where doc is not null;
create index posts_mentioning on posts (nest, id) include (author, mentions) where doc is not null and mentions is not null;

create table replies (
  nest text collate "C" not null,
  post numeric not null,
  id numeric not null,
  author text collate "C" not null,
  doc json,
  mentions text[] generated always as (mentions_of(doc)) stored,
  primary key (nest, post, id)
);
create index replies_shown on replies (nest, id) include (post, author, mentions) where doc is not null;

-- Which channels a ship has joined, and how far it has read them.
create table channel_members (
  nest text collate "C" not null,
  ship text collate "C" not null,
  joined numeric not null,
  read_at numeric not null default 0,
  is_watched boolean not null default false,
  primary key (nest, ship)
);
create index channel_members_of_ship on channel_members (ship);

create table hidden_posts (
  ship text collate "C" not null,
  id numeric not null,
  primary key (ship, id)
);

-- A conversation as one of those in it has it. `whom` is a ship or the id of a club.
create table chats (
  owner text collate "C" not null,
  whom text collate "C" not null,
  state text not null check (state in ('inviting', 'invited', 'open')),
  club json,                            -- team, hive, meta; null for a conversation of two
  latest numeric not null default 0,    -- the time of its newest message or reply
  primary key (owner, whom)
);
create index chats_of_club on chats (whom) where club is not null;

-- Messages and replies to them. `doc` has no replies in it.
create table chat_messages (
  owner text collate "C" not null,
  whom text collate "C" not null,
  parent text collate "C" not null,     -- the message to which it replies; empty: a message
  id text collate "C" not null,
  time numeric not null,                -- when this owner got it
  doc json,                             -- null: deleted
  primary key (owner, whom, parent, id)
);
create index chat_messages_in_order on chat_messages (owner, whom, parent, time);

-- From whom a ship takes no messages.
create table blocked_ships (
  owner text collate "C" not null,
  ship text collate "C" not null,
  primary key (owner, ship)
);

create table profiles (
  ship text collate "C" primary key,
  profile json not null
);

-- A page of somebody's contact book: of a ship, or one without.
create table contact_pages (
  owner text collate "C" not null,
  kip text collate "C" not null,        -- ~ship, or the id of a page without one
  is_page boolean not null,             -- false: only met
  is_followed boolean not null,
  kept json,                            -- the profile as it was when following ended
  overlay json not null,
  primary key (owner, kip)
);

-- What a ship is told. Posts and replies in channels are not written here: they are found in `posts` and `replies`.
create table activity_events (
  owner text collate "C" not null,
  time numeric not null,
  source text collate "C" not null,     -- key of activity_sources
  kind text collate "C" not null,       -- as in a volume map: dm-post-mention
  message text collate "C",             -- the id of the message that it is about
  event json not null,
  was_notified boolean not null,
  primary key (owner, time)
);
create index activity_events_of_source on activity_events (owner, source, time) include (kind);
create index activity_events_of_message on activity_events (owner, source, message) where message is not null;

-- A source of which more is known than what `posts` and `replies` say.
create table activity_sources (
  owner text collate "C" not null,
  key text collate "C" not null,
  parents text[] not null,              -- the keys of the sources above it
  source json not null,
  newest numeric not null default 0,    -- its latest event
  read_until numeric not null default 0,
  deep_until numeric not null default 0, -- all below it is read until then, too
  removed_until numeric not null default 0,
  read_items numeric[] not null default '{}',  -- read one by one, after read_until
  volume json,
  primary key (owner, key)
);

create table script_hooks (
  id numeric primary key,
  name text not null,
  meta json not null,
  src text not null,                    -- as it was given last
  running_src text,                     -- the last that compiled; null: none has
  error text,                           -- why src does not compile
  -- One more with every change of running_src, name, on_error or is_enabled; begins with the time, so that a hook that was deleted and
  -- made again has no version twice.
  version bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint,
  on_error text not null default 'allow' check (on_error in ('allow', 'deny')),
  is_enabled boolean not null default true,
  disabled_reason text,
  created timestamptz not null
);

-- What ran from which version on, for runs that are to be repeated; the newest of each hook.
create table script_sources (
  hook numeric not null,
  version bigint not null,
  source text not null,
  primary key (hook, version)
);

-- Apart from the hook: it changes with every run. No foreign key: its check would lock the hook's row. Made with the hook.
create table script_states (
  hook numeric primary key,
  version uuid not null,                -- another one with every change, and never one that was there before
  state json not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 2000);

create table script_configs (
  hook numeric not null,
  nest text collate "C" not null,
  config json not null,
  primary key (hook, nest)
);

-- Which hooks run on a channel, and in which order.
create table script_orders (
  nest text collate "C" primary key,
  hooks numeric[] not null
);

-- Its timer is of the kind script-cron. `origin` is a nest, or the empty text for a global one.
create table script_crons (
  hook numeric not null,
  origin text collate "C" not null,
  schedule json not null,
  config json not null,
  primary key (hook, origin)
);

-- A wake-up that a hook asked for. Its timer is of the kind script-wait.
create table script_waits (
  asked_by numeric not null,
  id text collate "C" not null,
  origin text collate "C" not null,
  hook numeric not null,                -- who is woken
  wake json not null,                   -- id, hook, data, fires-at, as they come back
  depth integer not null,               -- how many effects led to it, if it follows at once
  primary key (asked_by, id)
);
create index script_waits_of_hook on script_waits (hook);

-- What is to be done after a commit: effects, runs of crons and wake-ups. One lane is done in order.
create table script_jobs (
  id bigint generated always as identity primary key,
  lane text collate "C" not null,
  kind text not null check (kind in ('effect', 'cron', 'wake')),
  body json not null,
  depth integer not null,
  created timestamptz not null,
  holder uuid not null,                 -- the process that does it
  leased_until timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 2000);
create index script_jobs_in_order on script_jobs (lane, id);
create index script_jobs_of_cron on script_jobs (lane) where kind = 'cron';

-- The ledger of runs.
create table script_runs (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  hook numeric not null,
  hook_version bigint not null,
  origin text collate "C" not null,
  src text collate "C" not null,        -- who caused it
  depth integer not null,
  event_kind text not null,             -- on-post/add, cron and the like
  event json,                           -- null: larger than is kept
  outcome text not null check (outcome in ('allowed', 'denied', 'failed', 'limited', 'skipped')),
  reason text,                          -- of all but allowed
  result json not null,                 -- effects, prints, what was dropped, stack
  duration_ms double precision not null,
  seed text not null,
  replay json,                          -- source, bowl and what it read; null: too large to be repeated
  failed_effects json                   -- those that were refused when they were done
);
create index script_runs_of_hook on script_runs (hook, id);
create index script_runs_of_origin on script_runs (origin, id);
create index script_runs_by_time on script_runs (at);

-- Down Migration

drop table script_runs, script_jobs, script_waits, script_crons, script_orders, script_configs, script_states, script_sources, script_hooks;
drop table activity_sources, activity_events, contact_pages, profiles, blocked_ships, chat_messages, chats;
drop table hidden_posts, channel_members, replies, posts, channels, group_members, groups, ships;
drop function mentions_of;
