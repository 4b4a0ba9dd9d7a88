-- Up Migration

-- Events of many fires that come again, at a rate.
create table replay_jobs (
  id uuid primary key,
  revision text not null check (revision in ('now', 'then')), -- whether each meets the hook as it is, or as it was
  rate integer not null,                -- events a second
  total integer not null,
  client_id text not null,              -- who asked for it
  created timestamptz not null,
  ended timestamptz,
  cancelled_by text
);

create index replay_jobs_under_way on replay_jobs (created) where ended is null;

-- Each event that comes again, once each time. With its numbers: the cause of the new fire.
create table replays (
  seq bigint not null,                  -- the fire whose event it is, as the ledger has it
  n integer not null,
  at timestamptz not null,
  hook_uid uuid not null,
  job uuid references replay_jobs on delete cascade,
  created timestamptz not null,
  outcome text,                         -- null: it has not begun. pending: its fire is stored, and the ledger will say how it ends
  reason text,                          -- why there is no fire of it
  primary key (seq, n)
) with (fillfactor = 80);

create index replays_of_job on replays (job, at, seq) where job is not null;
create index replays_created on replays (created);

-- Down Migration

drop table replays, replay_jobs;
