-- Up Migration

-- Who looks for a task that is not there takes over its fire, of which no attempt has failed yet.
-- Without this the search reads every stored fire: 200 ms of 100,000.
create index fires_by_task on fires (task_id) where attempts = 0;

-- Down Migration

drop index fires_by_task;
