-- Up Migration

-- What a thread takes, without reading it. null: deleted.
alter table posts add column bytes integer generated always as (octet_length(doc::text)) stored;
alter table replies add column bytes integer generated always as (octet_length(doc::text)) stored;
alter table chat_messages add column bytes integer generated always as (octet_length(doc::text)) stored;

-- Down Migration

alter table posts drop column bytes;
alter table replies drop column bytes;
alter table chat_messages drop column bytes;
