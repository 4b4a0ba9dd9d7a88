-- Up Migration

-- Whether a group has a task that is not resolved is asked whenever one of its tasks is. `runs` holds no text of users.
create index tasks_group_unresolved on tasks (task_group_id)
  where task_group_id <> task_id
    and (runs -> -1 ->> 'state' is null or runs -> -1 ->> 'state' in ('pending', 'running'));

-- Down Migration

drop index tasks_group_unresolved;
