-- Up Migration

-- The standalone queue (queue/): what it takes to find a task by what is to be done with it. The columns repeat what `definition` and
-- `runs` say, because json is only text to the database, and may hold \u0000, at which every look into it fails.
create sequence tasks_pending_order;

alter table tasks
  add column task_queue_id text collate "C",
  add column task_group_id text collate "C",
  add column scheduler_id text collate "C",
  add column priority smallint,         -- 0 is the highest
  add column pending_order bigint,      -- set while the last run is pending: the place among those of its priority
  add column due timestamptz;           -- when something happens to it by itself: its claim ends, its deadline passes, it is removed

-- The text begins as task-definition.ts writes it, with names that need no escapes. A quote inside a string is escaped, so that
-- `"priority":"` is the key.
update tasks set
  task_queue_id = substring(definition::text from '^\{"provisionerId":"[^"]*","workerType":"[^"]*","taskQueueId":"([^"]*)"'),
  scheduler_id = substring(definition::text from '^\{[^\[]*"schedulerId":"([^"]*)"'),
  task_group_id = substring(definition::text from '^\{[^\[]*"taskGroupId":"([^"]*)"'),
  priority = array_position(
    array['highest', 'very-high', 'high', 'medium', 'low', 'very-low', 'lowest'],
    substring(definition::text from '"priority":"([a-z-]*)"')) - 1,
  pending_order = case when runs -> -1 ->> 'state' = 'pending' then nextval('tasks_pending_order') end,
  due = deadline;

alter table tasks
  alter column task_queue_id set not null,
  alter column task_group_id set not null,
  alter column scheduler_id set not null,
  alter column priority set not null,
  alter column due set not null;

alter table tasks set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000);

create index tasks_pending on tasks (task_queue_id, priority, pending_order) where pending_order is not null;
create index tasks_due on tasks (due);
-- A task that is alone in a group of its own name, as most tasks of hooks are, is found by its id.
create index tasks_group on tasks (task_group_id, task_id) where task_group_id <> task_id;

-- Which task waits for which.
create table task_dependencies (
  dependency text collate "C" not null,
  task_id text collate "C" not null,
  needs_completion boolean not null,    -- else any end of the dependency will do
  satisfied boolean not null,           -- stays so when the dependency is run again
  primary key (dependency, task_id)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000);

create index task_dependencies_task on task_dependencies (task_id);

insert into task_dependencies (dependency, task_id, needs_completion, satisfied)
  select dependency, task_id, definition::text not like '%"requires":"all-resolved"%', false
  from tasks, json_array_elements_text(substring(definition::text from '"dependencies":(\[[^\]]*\])')::json) as dependency;

-- Groups that have a task of another name than theirs.
create table task_groups (
  task_group_id text collate "C" primary key,
  scheduler_id text collate "C" not null,
  sealed timestamptz
);

insert into task_groups (task_group_id, scheduler_id)
  select distinct on (task_group_id) task_group_id, scheduler_id from tasks
  where task_group_id <> task_id order by task_group_id, created;

-- Which process has workers that wait for tasks of a queue: only then is it worth a notification that there are some. Nothing is lost
-- with it: a worker that nobody wakes asks again.
create unlogged table queue_waiters (
  task_queue_id text collate "C" not null,
  holder uuid not null,
  until timestamptz not null,
  primary key (task_queue_id, holder)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- Whether anybody is bound to an exchange is asked with every change of a task.
create index broker_bindings_exchange on broker_bindings (exchange);

-- Down Migration

drop index broker_bindings_exchange;
drop table queue_waiters, task_groups, task_dependencies;
drop index tasks_pending, tasks_due, tasks_group;
alter table tasks
  reset (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold),
  drop column task_queue_id, drop column task_group_id, drop column scheduler_id, drop column priority, drop column pending_order,
  drop column due;
drop sequence tasks_pending_order;
