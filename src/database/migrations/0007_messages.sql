-- Up Migration

-- Since when a binding of the in-process broker is there. Of those that are: since their hook was changed last.
alter table broker_bindings add column since timestamptz;
update broker_bindings b set since = coalesce((select last_modified from hooks h where h.uid::text = b.queue), 'epoch');
alter table broker_bindings alter column since set not null;

-- Down Migration

alter table broker_bindings drop column since;
