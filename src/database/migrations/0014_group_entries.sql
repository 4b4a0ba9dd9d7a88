-- Up Migration

-- What a group knows of bans, invitations, requests and tokens beyond `doc`. Null: nothing.
alter table groups add column entry json;

-- Which groups invite a ship, or are asked by it, or have added it without it having come: what they say, the other way round.
create table group_guests (
  ship text collate "C" not null,
  flag text collate "C" not null,
  primary key (ship, flag)
);
create index group_guests_of_group on group_guests (flag);

-- What a ship wants to see first: groups, channels, conversations, in its order.
create table pins (
  ship text collate "C" primary key,
  items text[] not null
);

-- Down Migration

drop table pins, group_guests;
alter table groups drop column entry;
