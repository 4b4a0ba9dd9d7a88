-- Up Migration

-- Who changed which client or role. A row is written in the transaction of the change, and holds no secret: clients without their tokens.
create table auth_audit (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  action text not null check (action in
    ('created', 'updated', 'deleted', 'client enabled', 'client disabled', 'access token reset', 'expired')),
  entity_type text not null check (entity_type in ('client', 'role')),
  entity_id text collate "C" not null,
  client_id text collate "C" not null,  -- by whom
  request_id text not null,
  before json,
  after json
);

create index auth_audit_entity on auth_audit (entity_type, entity_id, id);

-- Down Migration

drop table auth_audit;
