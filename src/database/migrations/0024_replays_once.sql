-- Up Migration

alter table replays
  add column id uuid,                   -- of the choice of who asked for it: the same call again is no other replay
  add column task_id text collate "C";

create unique index replays_id on replays (id) where id is not null;

-- Down Migration

drop index replays_id;
alter table replays drop column id, drop column task_id;
