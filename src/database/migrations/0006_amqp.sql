-- Up Migration

-- RabbitMQ behind the broker's port (broker/amqp/). What is wanted stands in broker_queues and broker_bindings, whichever broker is at work.

-- For people, and for the name of the queue on RabbitMQ: `<hookGroupId>/<hookId>`.
alter table broker_queues add column name text collate "C" not null default '';
update broker_queues q set name = coalesce(
  (select h.hook_group_id || '/' || h.hook_id from hooks h where h.uid::text = q.queue), q.queue);
create index broker_queues_name on broker_queues (name);

-- What may exist on RabbitMQ: written before it is made there, removed after it is gone there.
create table amqp_queues (
  name text collate "C" primary key,
  queue text collate "C" not null       -- whose messages lie on it; a hook made anew under this name must not get its predecessor's
);

create table amqp_bindings (
  queue text collate "C" not null,
  exchange text collate "C" not null,
  pattern text collate "C" not null,
  state text not null default 'pending' check (state in ('pending', 'active', 'refused')),
  reason text,                          -- of a refusal
  since timestamptz not null,
  primary key (queue, exchange, pattern)
);

-- Who reads a queue: what another one had under way commits before this one takes the queue over, or not at all.
create table amqp_readers (
  queue text collate "C" primary key,
  reading uuid not null                 -- of this queue, by one process, on one channel
);

-- RabbitMQ was started anew when the exchange that is named by its run, and that is not durable, is gone.
create table amqp_run (
  one boolean primary key default true check (one),
  run uuid not null
);

-- Messages whose end is committed here. A message without an id needs its row until RabbitMQ has forgotten the message; one with an id keeps
-- it for a day.
create table amqp_receipts (
  reading uuid not null,
  number bigint not null,               -- of the delivery in its reading
  run uuid not null,
  queue text collate "C" not null,
  hash bytea not null,
  is_identified boolean not null,       -- the message had an id
  stored timestamptz not null,
  settled timestamptz,                  -- RabbitMQ is known to have processed the acknowledgement
  primary key (reading, number)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);

create unique index amqp_receipts_identified on amqp_receipts (queue, hash) where is_identified;
create index amqp_receipts_unidentified on amqp_receipts (queue, hash) where not is_identified;
create index amqp_receipts_stored on amqp_receipts (stored) where is_identified;

-- Down Migration

drop table amqp_receipts, amqp_run, amqp_readers, amqp_bindings, amqp_queues;
alter table broker_queues drop column name;
