-- Up Migration

-- Who is logged in over the airlock. A session lives while it is used, and while the code that
-- opened it is that of its ship.
create table ship_sessions (
  -- Of the cookie; the cookie itself is nowhere.
  digest text collate "C" primary key,
  ship text collate "C" not null,
  code_digest bytea not null,
  used timestamptz not null
);
create index ship_sessions_of_ship on ship_sessions (ship, used);
create index ship_sessions_by_use on ship_sessions (used);

-- Down Migration

drop table ship_sessions;
