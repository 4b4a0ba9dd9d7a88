-- Up Migration

-- Queues of the in-process broker on which somebody looks on (broker/watches.ts). Each has a row in broker_queues too, whose `due` stays null,
-- so that no reader of hooks' queues takes it up.
create table broker_watches (
  queue text collate "C" primary key,
  read timestamptz not null,            -- when somebody read it last; a minute later it is removed
  is_incomplete boolean not null        -- messages were dropped since then, because more came than it keeps
);

-- Down Migration

delete from broker_bindings where queue like 'watch/%';
delete from broker_deliveries where queue like 'watch/%';
delete from broker_queues where queue like 'watch/%';
drop table broker_watches;
