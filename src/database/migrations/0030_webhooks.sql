-- Up Migration

-- Ways into hooks for other systems. They go with their hook, in the transaction that removes it. A change of one makes the hook's next revision, so that what is stored of a delivery is stored of this
-- very webhook.
create table webhooks (
  uid uuid primary key,                 -- this incarnation: secrets are sealed for it
  hook_uid uuid not null,
  name text collate "C" not null,
  path text collate "C" not null unique, -- the random end of its URL
  settings json not null,
  secrets bytea,                        -- sealed; null where the scheme has none
  created timestamptz not null,
  last_modified timestamptz not null,
  unique (hook_uid, name)
);

alter table audit
  drop constraint audit_action_check,
  add constraint audit_action_check check (action in ('created', 'changed', 'removed', 'token made', 'token reset',
                                                      'webhook set', 'webhook removed', 'webhook secret rotated'));

-- Where the key is a webhook: the hook that it leads to.
alter table rejections add column of_hook uuid;

-- For the row of the ledger: which webhook it came by.
alter table fires add column detail json;

-- Down Migration

delete from rejections where of_hook is not null;
alter table fires drop column detail;
alter table rejections drop column of_hook;
delete from audit where action like 'webhook %';
alter table audit
  drop constraint audit_action_check,
  add constraint audit_action_check check (action in ('created', 'changed', 'removed', 'token made', 'token reset'));
drop table webhooks;
