-- Up Migration

-- What clients keep for their ship: desk → bucket → entry → value.
create table ship_settings (
  ship text collate "C" primary key,
  settings json not null
);

-- Down Migration

drop table ship_settings;
