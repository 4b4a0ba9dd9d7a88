-- Up Migration

-- What clients ask for that were away: what was edited, deleted or reacted to since.
create index posts_modified on posts (nest, modified) where modified is not null;
create index replies_modified on replies (nest, modified) where modified is not null;

-- Whom clients of a ship have suggested to it as contacts, and whom it does not want to have suggested.
create table contact_suggestions (
  owner text collate "C" not null,
  ship text collate "C" not null,
  is_hidden boolean not null,
  primary key (owner, ship)
);

-- Down Migration

drop table contact_suggestions;
drop index posts_modified, replies_modified;
