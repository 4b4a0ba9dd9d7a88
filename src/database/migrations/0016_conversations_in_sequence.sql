-- Up Migration

-- Messages of a copy are numbered as they come, and keep their number when they are deleted.
alter table chats add column last_seq integer not null default 0;
alter table chat_messages
  add column seq integer, -- null: a reply
  add column author text collate "C",
  add column deleted_at timestamptz;

-- Who wrote it; a text with NUL is refused by the database when it takes JSON apart.
create function author_of_message(id text, doc json) returns text language plpgsql as $$
begin
  return coalesce(doc -> 'memo' ->> 'author', split_part(id, '/', 1));
exception when others then
  return split_part(id, '/', 1);
end $$;
update chat_messages set author = author_of_message(id, doc);
drop function author_of_message;
alter table chat_messages alter column author set not null;

update chat_messages m set seq = numbered.seq
from (select owner, whom, id, row_number() over (partition by owner, whom order by time, id) as seq
      from chat_messages where parent = '') as numbered
where m.owner = numbered.owner and m.whom = numbered.whom and m.parent = '' and m.id = numbered.id;
update chats c set last_seq = counted.seq
from (select owner, whom, max(seq) as seq from chat_messages where parent = '' group by owner, whom) as counted
where c.owner = counted.owner and c.whom = counted.whom;

create unique index chat_messages_by_seq on chat_messages (owner, whom, seq) where seq is not null;

-- Messages that a ship does not want to see.
create table hidden_messages (
  ship text collate "C" not null,
  id text collate "C" not null,
  primary key (ship, id)
);
create index blocked_ships_by_ship on blocked_ships (ship);

-- Down Migration

drop index blocked_ships_by_ship;
drop table hidden_messages;
alter table chat_messages drop column deleted_at, drop column author, drop column seq;
alter table chats drop column last_seq;
