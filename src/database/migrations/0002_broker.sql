-- Up Migration

-- The in-process broker (broker/): topic exchanges, queues and bindings without RabbitMQ.

-- What was published and not routed yet. Small: a row lives until the next turn of the relay, some milliseconds as a rule.
create table outbox (
  id bigint generated always as identity primary key,
  exchange text collate "C" not null,
  routing_key text collate "C" not null,
  cc text[] not null,                   -- more keys by which it is routed
  body json not null,                   -- its text stays as it was sent
  message_id text,
  accepted timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create table broker_queues (
  queue text collate "C" primary key,
  -- Null: nothing waits. Past: anyone may take it up. Future: a process reads it until then (holder), or its reader failed and
  -- is tried again then (no holder).
  due timestamptz,
  holder uuid,
  failures integer not null default 0,  -- of the reader, since the last delivery that it was done with
  routed bigint not null default 0,     -- grows whenever messages come in: who saw it empty can tell whether it still is
  changed xid8 not null                 -- the last transaction that set its bindings
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

create index broker_queues_due on broker_queues (due) where due is not null;
create index broker_queues_changed on broker_queues (changed);

create table broker_bindings (
  queue text collate "C" not null,
  exchange text collate "C" not null,
  pattern text collate "C" not null,
  primary key (queue, exchange, pattern)
);

-- The body of a message, once, however many queues it lies on.
create table broker_messages (
  id bigint primary key,                -- as it was in the outbox
  exchange text collate "C" not null,
  routing_key text collate "C" not null,
  body json not null,
  body_bytes integer not null,
  message_id text,
  accepted timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

create table broker_deliveries (
  id bigint generated always as identity primary key,  -- in the order of routing, which is the order of delivery
  queue text collate "C" not null,
  message bigint not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

create index broker_deliveries_queue on broker_deliveries (queue, id);
create index broker_deliveries_message on broker_deliveries (message);

-- Down Migration

drop table broker_deliveries, broker_messages, broker_bindings, broker_queues, outbox;
