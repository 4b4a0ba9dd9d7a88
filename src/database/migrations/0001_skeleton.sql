-- Up Migration

-- Identifiers are compared byte by byte (collate "C"), whatever the database's locale.
-- JSON that people wrote is kept as json, not jsonb: it keeps the order of keys, and \u0000, which jsonb refuses.
-- No column defaults to now(): the time comes from the program's one clock, as a parameter.

create table settings (
  name text collate "C" primary key,
  value json not null
);

create table clients (
  client_id text collate "C" primary key,
  description text not null,
  access_token bytea not null,          -- sealed (core/secret-box.ts)
  scopes text[] not null,
  expires timestamptz not null,
  disabled boolean not null,
  delete_on_expiration boolean not null,
  created timestamptz not null,
  last_modified timestamptz not null,
  last_date_used timestamptz not null,
  last_rotated timestamptz not null
);

create table roles (
  role_id text collate "C" primary key,
  scopes text[] not null,
  description text not null,
  created timestamptz not null,
  last_modified timestamptz not null
);

create table hooks (
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  uid uuid not null unique,             -- this incarnation: a hook of the same name made later has another
  revision bigint not null,             -- grows with every edit
  definition json not null,
  created timestamptz not null,
  last_modified timestamptz not null,
  primary key (hook_group_id, hook_id)
);

-- Fires that are not finished. Small: a row lives from "stored" to "finished", some milliseconds as a rule.
create table fires (
  hook_uid uuid not null,               -- no foreign key: a fire under way outlives its hook
  cause text collate "C" not null,      -- with hook_uid, the identity of the fire
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  fired_by text not null,
  task_id text collate "C" not null,
  task json not null,                   -- as rendered, the same for every attempt
  payload_hash bytea,                   -- of a payload that came with a taskId of the caller's choice
  client_id text,
  request_id text not null,
  arrived timestamptz not null,
  gives_up timestamptz not null,        -- the task's deadline: no attempt begins after it
  due timestamptz not null,             -- when anyone may take it up: end of the lease, or time of the next attempt
  attempts integer not null,            -- made so far and failed in a way that trying again can mend
  last_error json,
  primary key (hook_uid, cause)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create index fires_due on fires (due);

-- Everything that fired and everything that ran, append-only, a partition a month (ledger/partitions.ts makes them).
create sequence ledger_seq cache 100;

create table ledger (
  at timestamptz not null,              -- when the outcome was known
  seq bigint not null default nextval('ledger_seq'),
  kind text not null check (kind in ('fire', 'attempt', 'run')),
  outcome text check (outcome in ('created', 'declined', 'rejected', 'failed', 'exhausted', 'missed', 'limited', 'allowed', 'denied', 'skipped')),
  hook_uid uuid not null,
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  cause text collate "C",
  fired_by text,
  task_id text collate "C",
  arrived timestamptz not null,         -- when the event came in, or was due
  attempts integer not null,
  client_id text,
  request_id text not null,
  payload_hash bytea,
  error json,                           -- why not, for the owner of the hook
  detail json,
  check ((kind = 'attempt') = (outcome is null))
) partition by range (at);

create index ledger_hook on ledger (hook_uid, at desc, seq desc);
-- Only where a caller chose the taskId may the same fire come again.
create index ledger_task on ledger (task_id) where payload_hash is not null;

-- Durable "do this at that time" (timers/).
create table timers (
  kind text collate "C" not null,
  key text collate "C" not null,
  due timestamptz not null,             -- the time it was set for; stays while failed turns are tried again
  not_before timestamptz not null,      -- when anyone may claim it: due, or the time of the next try
  data json not null,
  attempts integer not null default 0,  -- failed turns since the last good one
  last_error text,
  primary key (kind, key)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

create index timers_not_before on timers (kind, not_before);

-- The standalone queue.
create table tasks (
  task_id text collate "C" primary key,
  definition json not null,
  retries_left integer not null,
  runs json not null,
  created timestamptz not null,
  deadline timestamptz not null,
  expires timestamptz not null
);

-- Down Migration

drop table tasks, timers, ledger, fires, hooks, roles, clients, settings;
drop sequence ledger_seq;
