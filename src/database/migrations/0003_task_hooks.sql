-- Up Migration

alter table hooks
  add column trigger_token bytea;       -- sealed; null until somebody asks for it

-- What changes with every occurrence of a hook. Apart from its definition, so that a tick rewrites a small row. No foreign key: its check
-- would lock the hook's row, and a change of the hook and a tick would wait for each other.
create table hook_state (
  hook_uid uuid primary key,
  last_occurrence timestamptz,          -- the latest that fired or was missed: none up to it fires again, whatever a clock says
  last_mailed timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_threshold = 2000);

-- A fire of a schedule is stored in the turn that records the occurrence, and a template of unproved cost is rendered after it.
alter table fires
  alter column task drop not null,
  add column unrendered json,           -- the template and its context, until there is a task
  add constraint fires_rendered_or_not check ((task is null) <> (unrendered is null));

-- Who changed which hook. A row is written in the transaction of the change.
create table audit (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  action text not null check (action in ('created', 'changed', 'removed', 'token made', 'token reset')),
  hook_uid uuid not null,
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  client_id text not null,
  request_id text not null,
  before json,                          -- the definition
  after json
);

create index audit_hook on audit (hook_group_id, hook_id, id desc);

-- Down Migration

drop table audit, hook_state;
delete from fires where task is null;
alter table fires drop constraint fires_rendered_or_not, drop column unrendered, alter column task set not null;
alter table hooks drop column trigger_token;
