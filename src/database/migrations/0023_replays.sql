-- Up Migration

-- One fire by its number.
create index ledger_seq_of_row on ledger (seq);

-- Many events that are fired again, at a rate.
create table replay_jobs (
  id uuid primary key,
  of text not null check (of in ('now', 'then')), -- whether each meets the hook as it is, or as it was
  rate integer not null,                -- events a second
  total integer not null,
  client_id text not null,              -- who asked for it
  request_id text not null,
  created timestamptz not null,
  ended timestamptz,
  cancelled_by text,
  last_error text                       -- why its last turn failed
);

create index replay_jobs_created on replay_jobs (created desc, id);

-- Each event that is fired again, once each time: with its number, the cause of the new fire.
create table replays (
  seq bigint not null,                  -- of the fire in the ledger whose event it is
  n integer not null,
  job uuid references replay_jobs on delete cascade,
  created timestamptz not null,
  outcome text,                         -- null: it has not begun; pending: the fire is stored, and the ledger says how it ends
  task_id text collate "C",
  reason text,
  primary key (seq, n)
) with (fillfactor = 80);

create index replays_of_job on replays (job, seq, n) where job is not null and outcome is null;
create index replays_created on replays (created);

-- Down Migration

drop table replays, replay_jobs;
drop index ledger_seq_of_row;
