-- Up Migration

-- Since when a binding of the in-process broker is there. Of those that are: since their hook was changed last.
alter table broker_bindings add column since timestamptz;
update broker_bindings b set since = coalesce((select last_modified from hooks h where h.uid::text = b.queue), 'epoch');
alter table broker_bindings alter column since set not null;

-- Messages that did not fit the trigger schema, by hook and minute. The first few stand in the ledger each; the others are counted here, and
-- become one row of the ledger when the minute is over. No foreign key: what was counted outlives its hook.
create table rejections (
  hook_uid uuid not null,
  minute timestamptz not null,
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  seen integer not null,                -- all of that minute
  first timestamptz,                    -- when the first one arrived that was only counted; null while there is none
  last timestamptz not null,            -- when the last one arrived
  sample json not null,                 -- of the last one
  primary key (hook_uid, minute)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 2000);

-- `binding`: a binding of a hook became active, or was refused. It is no event, and has no outcome.
alter table ledger
  drop constraint ledger_kind_check,
  add constraint ledger_kind_check check (kind in ('fire', 'attempt', 'run', 'binding')),
  drop constraint ledger_check,
  add constraint ledger_outcome_or_not check ((kind in ('attempt', 'binding')) = (outcome is null));

-- Down Migration

delete from ledger where kind = 'binding';
alter table ledger
  drop constraint ledger_kind_check,
  add constraint ledger_kind_check check (kind in ('fire', 'attempt', 'run')),
  drop constraint ledger_outcome_or_not,
  add constraint ledger_check check ((kind = 'attempt') = (outcome is null));
drop table rejections;
alter table broker_bindings drop column since;
