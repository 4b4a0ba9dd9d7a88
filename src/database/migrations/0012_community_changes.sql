-- Up Migration

-- What changed in the community, for processes that tell their clients at once; rows of minutes.
-- Unlogged: whoever listens begins anew after a crash of the database.
create unlogged table community_changes (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  changes json not null
);
create index community_changes_by_time on community_changes (at);

-- Down Migration

drop table community_changes;
