-- Up Migration

-- Events that may come again: signed deliveries, and calls with an Idempotency-Key. A row is written in the commit of the fire, and finds
-- that fire for every copy. No foreign key: a hook that is removed leaves its rows until they are forgotten.
create table known_events (
  hook_uid uuid not null,
  key bytea not null,                   -- a hash of who sent it and what tells it from others
  body_hash bytea not null,
  cause text collate "C" not null,      -- of the fire
  task_id text collate "C" not null,
  fired_by text not null,
  copies integer not null default 0,    -- that came since
  last_copy timestamptz,
  forget timestamptz not null,
  primary key (hook_uid, key)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

create index known_events_forget on known_events (forget);

-- Down Migration

drop table known_events;
