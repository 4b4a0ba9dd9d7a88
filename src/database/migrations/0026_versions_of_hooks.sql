-- Up Migration

-- What a change of a hook made of it, and from where it came. Null: a row of before, or a removal.
alter table audit
  add column revision bigint,           -- which the hook has had since
  add column origin text,               -- api, command line or page
  add column rolled_back_to bigint;     -- the row whose definition was taken again

update audit set revision = counted.revision
from (select id, row_number() over (partition by hook_uid order by id) as revision from audit where action <> 'removed') counted
where audit.id = counted.id;

-- Definitions, past any number of resets of a token.
create index audit_versions on audit (hook_group_id, hook_id, id desc) where action in ('created', 'changed', 'removed');
create index audit_revision on audit (hook_uid, revision desc);

-- What a client did, newest first.
create index audit_client on audit (client_id, at desc, id desc);
create index auth_audit_client on auth_audit (client_id, at desc, id desc);

-- Down Migration

drop index auth_audit_client, audit_client, audit_revision, audit_versions;
alter table audit drop column revision, drop column origin, drop column rolled_back_to;
