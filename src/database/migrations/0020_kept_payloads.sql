-- Up Migration

-- What fires were made of, a partition a month of their arrival, as the ledger has them (ledger/partitions.ts makes them).
create table payloads (
  at timestamptz not null,              -- when the event came in, or was due: `arrived` of its row in the ledger
  hook_uid uuid not null,
  cause text collate "C" not null,
  kept bytea not null                   -- sealed; compressed where that is smaller
) partition by range (at);
alter table payloads alter column kept set storage external; -- what is sealed cannot be compressed

create index payloads_fire on payloads (at, hook_uid);

-- Which revision of the hook met the event. Null: written by a version that did not keep it.
alter table fires add column hook_revision bigint;
alter table ledger add column hook_revision bigint;

-- Down Migration

alter table ledger drop column hook_revision;
alter table fires drop column hook_revision;
drop table payloads;
