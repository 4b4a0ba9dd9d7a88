-- The schema after all migrations, for reading and reviewing. Written by: npm run schema
-- Nothing runs this file; the schema is made by src/database/migrations.

create table activity_events (
  owner text collate "C" not null,
  "time" numeric not null,
  source text collate "C" not null,
  kind text collate "C" not null,
  message text collate "C",
  event json not null,
  was_notified boolean not null,
  constraint activity_events_pkey PRIMARY KEY (owner, "time")
);

CREATE INDEX activity_events_of_message ON public.activity_events USING btree (owner, source, message) WHERE (message IS NOT NULL);

CREATE INDEX activity_events_of_source ON public.activity_events USING btree (owner, source, "time") INCLUDE (kind);

create table activity_sources (
  owner text collate "C" not null,
  key text collate "C" not null,
  parents text[] not null,
  source json not null,
  newest numeric not null default 0,
  read_until numeric not null default 0,
  deep_until numeric not null default 0,
  removed_until numeric not null default 0,
  read_items numeric[] not null default '{}'::numeric[],
  volume json,
  constraint activity_sources_pkey PRIMARY KEY (owner, key)
);

create table amqp_bindings (
  queue text collate "C" not null,
  exchange text collate "C" not null,
  pattern text collate "C" not null,
  state text not null default 'pending'::text,
  reason text,
  since timestamp with time zone not null,
  constraint amqp_bindings_pkey PRIMARY KEY (queue, exchange, pattern),
  constraint amqp_bindings_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'active'::text, 'refused'::text])))
);

create table amqp_queues (
  name text collate "C" not null,
  queue text collate "C" not null,
  constraint amqp_queues_pkey PRIMARY KEY (name)
);

create table amqp_readers (
  queue text collate "C" not null,
  reading uuid not null,
  constraint amqp_readers_pkey PRIMARY KEY (queue)
);

create table amqp_receipts (
  reading uuid not null,
  number bigint not null,
  run uuid not null,
  queue text collate "C" not null,
  hash bytea not null,
  is_identified boolean not null,
  stored timestamp with time zone not null,
  settled timestamp with time zone,
  constraint amqp_receipts_pkey PRIMARY KEY (reading, number)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

CREATE UNIQUE INDEX amqp_receipts_identified ON public.amqp_receipts USING btree (queue, hash) WHERE is_identified;

CREATE INDEX amqp_receipts_stored ON public.amqp_receipts USING btree (stored) WHERE is_identified;

CREATE INDEX amqp_receipts_unidentified ON public.amqp_receipts USING btree (queue, hash) WHERE (NOT is_identified);

create table amqp_run (
  one boolean not null default true,
  run uuid not null,
  constraint amqp_run_pkey PRIMARY KEY (one),
  constraint amqp_run_one_check CHECK (one)
);

create table audit (
  id bigint not null generated always as identity,
  at timestamp with time zone not null,
  action text not null,
  hook_uid uuid not null,
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  client_id text not null,
  request_id text not null,
  before json,
  after json,
  revision bigint,
  origin text,
  rolled_back_to bigint,
  constraint audit_pkey PRIMARY KEY (id),
  constraint audit_action_check CHECK ((action = ANY (ARRAY['created'::text, 'changed'::text, 'removed'::text, 'token made'::text, 'token reset'::text, 'webhook set'::text, 'webhook removed'::text, 'webhook secret rotated'::text])))
);

CREATE INDEX audit_client ON public.audit USING btree (client_id, at DESC, id DESC);

CREATE INDEX audit_hook ON public.audit USING btree (hook_group_id, hook_id, id DESC);

CREATE INDEX audit_revision ON public.audit USING btree (hook_uid, revision DESC);

CREATE INDEX audit_versions ON public.audit USING btree (hook_group_id, hook_id, id DESC) WHERE (action = ANY (ARRAY['created'::text, 'changed'::text, 'removed'::text]));

create table auth_audit (
  id bigint not null generated always as identity,
  at timestamp with time zone not null,
  action text not null,
  entity_type text not null,
  entity_id text collate "C" not null,
  client_id text collate "C" not null,
  request_id text not null,
  before json,
  after json,
  constraint auth_audit_pkey PRIMARY KEY (id),
  constraint auth_audit_action_check CHECK ((action = ANY (ARRAY['created'::text, 'updated'::text, 'deleted'::text, 'client enabled'::text, 'client disabled'::text, 'access token reset'::text, 'expired'::text]))),
  constraint auth_audit_entity_type_check CHECK ((entity_type = ANY (ARRAY['client'::text, 'role'::text])))
);

CREATE INDEX auth_audit_client ON public.auth_audit USING btree (client_id, at DESC, id DESC);

CREATE INDEX auth_audit_entity ON public.auth_audit USING btree (entity_type, entity_id, id);

create table blocked_ships (
  owner text collate "C" not null,
  ship text collate "C" not null,
  constraint blocked_ships_pkey PRIMARY KEY (owner, ship)
);

CREATE INDEX blocked_ships_by_ship ON public.blocked_ships USING btree (ship);

create table broker_bindings (
  queue text collate "C" not null,
  exchange text collate "C" not null,
  pattern text collate "C" not null,
  since timestamp with time zone not null,
  constraint broker_bindings_pkey PRIMARY KEY (queue, exchange, pattern)
);

CREATE INDEX broker_bindings_exchange ON public.broker_bindings USING btree (exchange);

create table broker_deliveries (
  id bigint not null generated always as identity,
  queue text collate "C" not null,
  message bigint not null,
  constraint broker_deliveries_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

CREATE INDEX broker_deliveries_message ON public.broker_deliveries USING btree (message);

CREATE INDEX broker_deliveries_queue ON public.broker_deliveries USING btree (queue, id);

create table broker_messages (
  id bigint not null,
  exchange text collate "C" not null,
  routing_key text collate "C" not null,
  body json not null,
  body_bytes integer not null,
  message_id text,
  accepted timestamp with time zone not null,
  constraint broker_messages_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

create table broker_queues (
  queue text collate "C" not null,
  due timestamp with time zone,
  holder uuid,
  failures integer not null default 0,
  routed bigint not null default 0,
  changed xid8 not null,
  name text collate "C" not null default ''::text,
  constraint broker_queues_pkey PRIMARY KEY (queue)
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

CREATE INDEX broker_queues_changed ON public.broker_queues USING btree (changed);

CREATE INDEX broker_queues_due ON public.broker_queues USING btree (due) WHERE (due IS NOT NULL);

CREATE INDEX broker_queues_name ON public.broker_queues USING btree (name);

create table broker_watches (
  queue text collate "C" not null,
  read timestamp with time zone not null,
  is_incomplete boolean not null,
  constraint broker_watches_pkey PRIMARY KEY (queue)
);

create table channel_members (
  nest text collate "C" not null,
  ship text collate "C" not null,
  joined numeric not null,
  read_at numeric not null default 0,
  is_watched boolean not null default false,
  constraint channel_members_pkey PRIMARY KEY (nest, ship)
);

CREATE INDEX channel_members_of_ship ON public.channel_members USING btree (ship);

create table channels (
  nest text collate "C" not null,
  flag text collate "C" not null,
  version bigint not null default 1,
  posts integer not null default 0,
  doc json not null,
  newest_seq integer not null default 0,
  constraint channels_pkey PRIMARY KEY (nest)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=2000);

CREATE INDEX channels_of_group ON public.channels USING btree (flag);

create table chat_messages (
  owner text collate "C" not null,
  whom text collate "C" not null,
  parent text collate "C" not null,
  id text collate "C" not null,
  "time" numeric not null,
  doc json,
  seq integer,
  author text collate "C" not null,
  deleted_at timestamp with time zone,
  bytes integer generated always as (octet_length((doc)::text)) stored,
  constraint chat_messages_pkey PRIMARY KEY (owner, whom, parent, id)
);

CREATE UNIQUE INDEX chat_messages_by_seq ON public.chat_messages USING btree (owner, whom, seq) WHERE (seq IS NOT NULL);

CREATE INDEX chat_messages_in_order ON public.chat_messages USING btree (owner, whom, parent, "time");

create table chats (
  owner text collate "C" not null,
  whom text collate "C" not null,
  state text not null,
  club json,
  latest numeric not null default 0,
  last_seq integer not null default 0,
  constraint chats_pkey PRIMARY KEY (owner, whom),
  constraint chats_state_check CHECK ((state = ANY (ARRAY['inviting'::text, 'invited'::text, 'open'::text])))
);

CREATE INDEX chats_of_club ON public.chats USING btree (whom) WHERE (club IS NOT NULL);

create table clients (
  client_id text collate "C" not null,
  description text not null,
  access_token bytea not null,
  scopes text[] not null,
  expires timestamp with time zone not null,
  disabled boolean not null,
  delete_on_expiration boolean not null,
  created timestamp with time zone not null,
  last_modified timestamp with time zone not null,
  last_date_used timestamp with time zone not null,
  last_rotated timestamp with time zone not null,
  constraint clients_pkey PRIMARY KEY (client_id)
);

create unlogged table community_changes (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default now(),
  changes json not null,
  constraint community_changes_pkey PRIMARY KEY (id)
);

CREATE INDEX community_changes_by_time ON public.community_changes USING btree (at);

create table contact_pages (
  owner text collate "C" not null,
  kip text collate "C" not null,
  is_page boolean not null,
  is_followed boolean not null,
  kept json,
  "overlay" json not null,
  constraint contact_pages_pkey PRIMARY KEY (owner, kip)
);

create table contact_suggestions (
  owner text collate "C" not null,
  ship text collate "C" not null,
  is_hidden boolean not null,
  constraint contact_suggestions_pkey PRIMARY KEY (owner, ship)
);

create table fires (
  hook_uid uuid not null,
  cause text collate "C" not null,
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  fired_by text not null,
  task_id text collate "C" not null,
  task json,
  payload_hash bytea,
  client_id text,
  request_id text not null,
  arrived timestamp with time zone not null,
  gives_up timestamp with time zone not null,
  due timestamp with time zone not null,
  attempts integer not null,
  last_error json,
  unrendered json,
  hook_revision bigint,
  detail json,
  constraint fires_pkey PRIMARY KEY (hook_uid, cause),
  constraint fires_rendered_or_not CHECK (((task IS NULL) <> (unrendered IS NULL)))
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);

CREATE INDEX fires_by_task ON public.fires USING btree (task_id) WHERE (attempts = 0);

CREATE INDEX fires_due ON public.fires USING btree (due);

create table group_guests (
  ship text collate "C" not null,
  flag text collate "C" not null,
  constraint group_guests_pkey PRIMARY KEY (ship, flag)
);

CREATE INDEX group_guests_of_group ON public.group_guests USING btree (flag);

create table group_members (
  ship text collate "C" not null,
  flag text collate "C" not null,
  constraint group_members_pkey PRIMARY KEY (ship, flag)
);

CREATE INDEX group_members_of_group ON public.group_members USING btree (flag);

create table groups (
  flag text collate "C" not null,
  version bigint not null default ((EXTRACT(epoch FROM clock_timestamp()) * (1000000)::numeric))::bigint,
  doc json not null,
  entry json,
  constraint groups_pkey PRIMARY KEY (flag)
);

create table hidden_messages (
  ship text collate "C" not null,
  id text collate "C" not null,
  constraint hidden_messages_pkey PRIMARY KEY (ship, id)
);

create table hidden_posts (
  ship text collate "C" not null,
  id numeric not null,
  constraint hidden_posts_pkey PRIMARY KEY (ship, id)
);

create table hook_state (
  hook_uid uuid not null,
  last_occurrence timestamp with time zone,
  last_mailed timestamp with time zone,
  constraint hook_state_pkey PRIMARY KEY (hook_uid)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=2000);

create table hooks (
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  uid uuid not null,
  revision bigint not null,
  definition json not null,
  created timestamp with time zone not null,
  last_modified timestamp with time zone not null,
  trigger_token bytea,
  constraint hooks_pkey PRIMARY KEY (hook_group_id, hook_id),
  constraint hooks_uid_key UNIQUE (uid)
);

create table known_events (
  hook_uid uuid not null,
  key bytea not null,
  body_hash bytea not null,
  cause text collate "C" not null,
  task_id text collate "C" not null,
  fired_by text not null,
  copies integer not null default 0,
  last_copy timestamp with time zone,
  forget timestamp with time zone not null,
  constraint known_events_pkey PRIMARY KEY (hook_uid, key)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

CREATE INDEX known_events_forget ON public.known_events USING btree (forget);

create table ledger (
  at timestamp with time zone not null,
  seq bigint not null default nextval('ledger_seq'::regclass),
  kind text not null,
  outcome text,
  hook_uid uuid not null,
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  cause text collate "C",
  fired_by text,
  task_id text collate "C",
  arrived timestamp with time zone not null,
  attempts integer not null,
  client_id text,
  request_id text not null,
  payload_hash bytea,
  error json,
  detail json,
  hook_revision bigint,
  constraint ledger_kind_check CHECK ((kind = ANY (ARRAY['fire'::text, 'attempt'::text, 'run'::text, 'binding'::text]))),
  constraint ledger_outcome_check CHECK ((outcome = ANY (ARRAY['created'::text, 'declined'::text, 'rejected'::text, 'failed'::text, 'exhausted'::text, 'missed'::text, 'limited'::text, 'allowed'::text, 'denied'::text, 'skipped'::text]))),
  constraint ledger_outcome_or_not CHECK (((kind = ANY (ARRAY['attempt'::text, 'binding'::text])) = (outcome IS NULL)))
) partition by RANGE (at);

CREATE INDEX ledger_cause_pages ON ONLY public.ledger USING brin (cause text_bloom_ops (n_distinct_per_range='1000', false_positive_rate='0.002')) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX ledger_hook ON ONLY public.ledger USING btree (hook_uid, at DESC, seq DESC);

CREATE INDEX ledger_in_order ON ONLY public.ledger USING btree (at DESC, seq DESC);

CREATE INDEX ledger_replays ON ONLY public.ledger USING btree (cause) WHERE (cause ~~ 'replay:%'::text);

CREATE INDEX ledger_request_pages ON ONLY public.ledger USING brin (request_id text_bloom_ops (n_distinct_per_range='1000', false_positive_rate='0.002')) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX ledger_seq_pages ON ONLY public.ledger USING brin (seq) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX ledger_task ON ONLY public.ledger USING btree (task_id) WHERE (payload_hash IS NOT NULL);

CREATE INDEX ledger_task_pages ON ONLY public.ledger USING brin (task_id text_bloom_ops (n_distinct_per_range='1000', false_positive_rate='0.002')) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX ledger_without_task ON ONLY public.ledger USING btree (at DESC, seq DESC) WHERE (outcome IS DISTINCT FROM 'created'::text);

create sequence ledger_seq as bigint start 1 increment 1 cache 100;

CREATE OR REPLACE FUNCTION public.mentions_of(doc json)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN (SELECT (array_agg(DISTINCT found.found[1]))[1:20] AS array_agg FROM regexp_matches((mentions_of.doc)::text, '"ship":"(~[a-z-]{3,63})"'::text, 'g'::text) found(found));

create table migrations (
  id integer not null default nextval('migrations_id_seq'::regclass),
  name character varying(255) not null,
  run_on timestamp without time zone not null,
  constraint migrations_pkey PRIMARY KEY (id)
);

create table outbox (
  id bigint not null generated always as identity,
  exchange text collate "C" not null,
  routing_key text collate "C" not null,
  cc text[] not null,
  body json not null,
  message_id text,
  accepted timestamp with time zone not null,
  constraint outbox_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=2000);

create table payloads (
  at timestamp with time zone not null,
  hook_uid uuid not null,
  cause text collate "C" not null,
  kept bytea not null
) partition by RANGE (at);

CREATE INDEX payloads_fire ON ONLY public.payloads USING btree (at, hook_uid);

create table pins (
  ship text collate "C" not null,
  items text[] not null,
  constraint pins_pkey PRIMARY KEY (ship)
);

create table posts (
  nest text collate "C" not null,
  id numeric not null,
  author text collate "C" not null,
  doc json,
  mentions text[] generated always as (mentions_of(doc)) stored,
  seq integer not null,
  modified bigint,
  bytes integer generated always as (octet_length((doc)::text)) stored,
  constraint posts_pkey PRIMARY KEY (nest, id)
);

CREATE UNIQUE INDEX posts_in_sequence ON public.posts USING btree (nest, seq);

CREATE INDEX posts_mentioning ON public.posts USING btree (nest, id) INCLUDE (author, mentions) WHERE ((doc IS NOT NULL) AND (mentions IS NOT NULL));

CREATE INDEX posts_modified ON public.posts USING btree (nest, modified) WHERE (modified IS NOT NULL);

CREATE INDEX posts_shown ON public.posts USING btree (nest, id) INCLUDE (author) WHERE (doc IS NOT NULL);

create table profiles (
  ship text collate "C" not null,
  profile json not null,
  constraint profiles_pkey PRIMARY KEY (ship)
);

create unlogged table queue_waiters (
  task_queue_id text collate "C" not null,
  holder uuid not null,
  until timestamp with time zone not null,
  constraint queue_waiters_pkey PRIMARY KEY (task_queue_id, holder)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=500);

create table rejections (
  hook_uid uuid not null,
  minute timestamp with time zone not null,
  hook_group_id text collate "C" not null,
  hook_id text collate "C" not null,
  seen integer not null,
  first timestamp with time zone,
  last timestamp with time zone not null,
  sample json not null,
  of_hook uuid,
  constraint rejections_pkey PRIMARY KEY (hook_uid, minute)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=2000);

create table replay_jobs (
  id uuid not null,
  revision text not null,
  rate integer not null,
  total integer not null,
  client_id text not null,
  created timestamp with time zone not null,
  ended timestamp with time zone,
  cancelled_by text,
  constraint replay_jobs_pkey PRIMARY KEY (id),
  constraint replay_jobs_revision_check CHECK ((revision = ANY (ARRAY['now'::text, 'then'::text])))
);

CREATE INDEX replay_jobs_under_way ON public.replay_jobs USING btree (created) WHERE (ended IS NULL);

create table replays (
  seq bigint not null,
  n integer not null,
  at timestamp with time zone not null,
  hook_uid uuid not null,
  job uuid,
  created timestamp with time zone not null,
  outcome text,
  reason text,
  id uuid,
  task_id text collate "C",
  constraint replays_pkey PRIMARY KEY (seq, n),
  constraint replays_job_fkey FOREIGN KEY (job) REFERENCES replay_jobs(id) ON DELETE CASCADE
) with (fillfactor=80);

CREATE INDEX replays_created ON public.replays USING btree (created);

CREATE UNIQUE INDEX replays_id ON public.replays USING btree (id) WHERE (id IS NOT NULL);

CREATE INDEX replays_of_job ON public.replays USING btree (job, at, seq) WHERE (job IS NOT NULL);

create table replies (
  nest text collate "C" not null,
  post numeric not null,
  id numeric not null,
  author text collate "C" not null,
  doc json,
  mentions text[] generated always as (mentions_of(doc)) stored,
  modified bigint,
  bytes integer generated always as (octet_length((doc)::text)) stored,
  constraint replies_pkey PRIMARY KEY (nest, post, id)
);

CREATE INDEX replies_modified ON public.replies USING btree (nest, modified) WHERE (modified IS NOT NULL);

CREATE INDEX replies_shown ON public.replies USING btree (nest, id) INCLUDE (post, author, mentions) WHERE (doc IS NOT NULL);

create table roles (
  role_id text collate "C" not null,
  scopes text[] not null,
  description text not null,
  created timestamp with time zone not null,
  last_modified timestamp with time zone not null,
  constraint roles_pkey PRIMARY KEY (role_id)
);

create table script_configs (
  hook numeric not null,
  nest text collate "C" not null,
  config json not null,
  constraint script_configs_pkey PRIMARY KEY (hook, nest)
);

create table script_crons (
  hook numeric not null,
  origin text collate "C" not null,
  schedule json not null,
  config json not null,
  constraint script_crons_pkey PRIMARY KEY (hook, origin)
);

create table script_hooks (
  id numeric not null,
  name text not null,
  meta json not null,
  src text not null,
  running_src text,
  error text,
  version bigint not null default ((EXTRACT(epoch FROM clock_timestamp()) * (1000000)::numeric))::bigint,
  on_error text not null default 'allow'::text,
  is_enabled boolean not null default true,
  disabled_reason text,
  created timestamp with time zone not null,
  constraint script_hooks_pkey PRIMARY KEY (id),
  constraint script_hooks_on_error_check CHECK ((on_error = ANY (ARRAY['allow'::text, 'deny'::text])))
);

create table script_jobs (
  id bigint not null generated always as identity,
  lane text collate "C" not null,
  kind text not null,
  body json not null,
  depth integer not null,
  created timestamp with time zone not null,
  holder uuid not null,
  leased_until timestamp with time zone not null,
  constraint script_jobs_pkey PRIMARY KEY (id),
  constraint script_jobs_kind_check CHECK ((kind = ANY (ARRAY['effect'::text, 'cron'::text, 'wake'::text])))
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=2000);

CREATE INDEX script_jobs_in_order ON public.script_jobs USING btree (lane, id);

CREATE INDEX script_jobs_of_cron ON public.script_jobs USING btree (lane) WHERE (kind = 'cron'::text);

create table script_orders (
  nest text collate "C" not null,
  hooks numeric[] not null,
  constraint script_orders_pkey PRIMARY KEY (nest)
);

create table script_runs (
  id bigint not null generated always as identity,
  at timestamp with time zone not null,
  hook numeric not null,
  hook_version bigint not null,
  origin text collate "C" not null,
  src text collate "C" not null,
  depth integer not null,
  event_kind text not null,
  event json,
  outcome text not null,
  reason text,
  result json not null,
  duration_ms double precision not null,
  seed text not null,
  replay json,
  failed_effects json,
  constraint script_runs_pkey PRIMARY KEY (id),
  constraint script_runs_outcome_check CHECK ((outcome = ANY (ARRAY['allowed'::text, 'denied'::text, 'failed'::text, 'limited'::text, 'skipped'::text])))
);

CREATE INDEX script_runs_by_time ON public.script_runs USING btree (at);

CREATE INDEX script_runs_of_hook ON public.script_runs USING btree (hook, id);

CREATE INDEX script_runs_of_origin ON public.script_runs USING btree (origin, id);

create table script_sources (
  hook numeric not null,
  version bigint not null,
  source text not null,
  constraint script_sources_pkey PRIMARY KEY (hook, version)
);

create table script_states (
  hook numeric not null,
  version uuid not null,
  state json not null,
  constraint script_states_pkey PRIMARY KEY (hook)
) with (fillfactor=50, autovacuum_vacuum_scale_factor=0.1, autovacuum_vacuum_threshold=2000);

create table script_waits (
  asked_by numeric not null,
  id text collate "C" not null,
  origin text collate "C" not null,
  hook numeric not null,
  wake json not null,
  depth integer not null,
  constraint script_waits_pkey PRIMARY KEY (asked_by, id)
);

CREATE INDEX script_waits_of_hook ON public.script_waits USING btree (hook);

create table settings (
  name text collate "C" not null,
  value json not null,
  constraint settings_pkey PRIMARY KEY (name)
);

create table ship_sessions (
  digest text collate "C" not null,
  ship text collate "C" not null,
  code_digest bytea not null,
  used timestamp with time zone not null,
  constraint ship_sessions_pkey PRIMARY KEY (digest)
);

CREATE INDEX ship_sessions_by_use ON public.ship_sessions USING btree (used);

CREATE INDEX ship_sessions_of_ship ON public.ship_sessions USING btree (ship, used);

create table ship_settings (
  ship text collate "C" not null,
  settings json not null,
  constraint ship_settings_pkey PRIMARY KEY (ship)
);

create table ships (
  ship text collate "C" not null,
  login_code bytea not null,
  code_digest bytea not null,
  notifications text not null default 'some'::text,
  created timestamp with time zone not null,
  constraint ships_pkey PRIMARY KEY (ship),
  constraint ships_code_digest_key UNIQUE (code_digest),
  constraint ships_notifications_check CHECK ((notifications = ANY (ARRAY['all'::text, 'some'::text, 'none'::text])))
);

create table task_dependencies (
  dependency text collate "C" not null,
  task_id text collate "C" not null,
  needs_completion boolean not null,
  satisfied boolean not null,
  constraint task_dependencies_pkey PRIMARY KEY (dependency, task_id)
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_threshold=2000);

CREATE INDEX task_dependencies_task ON public.task_dependencies USING btree (task_id);

create table task_groups (
  task_group_id text collate "C" not null,
  scheduler_id text collate "C" not null,
  sealed timestamp with time zone,
  constraint task_groups_pkey PRIMARY KEY (task_group_id)
);

create table tasks (
  task_id text collate "C" not null,
  definition json not null,
  retries_left integer not null,
  runs json not null,
  created timestamp with time zone not null,
  deadline timestamp with time zone not null,
  expires timestamp with time zone not null,
  task_queue_id text collate "C" not null,
  task_group_id text collate "C" not null,
  scheduler_id text collate "C" not null,
  priority smallint not null,
  pending_order bigint,
  due timestamp with time zone not null,
  constraint tasks_pkey PRIMARY KEY (task_id)
) with (autovacuum_vacuum_scale_factor=0.05, autovacuum_vacuum_threshold=2000);

CREATE INDEX tasks_due ON public.tasks USING btree (due);

CREATE INDEX tasks_group ON public.tasks USING btree (task_group_id, task_id) WHERE (task_group_id <> task_id);

CREATE INDEX tasks_group_unresolved ON public.tasks USING btree (task_group_id) WHERE ((task_group_id <> task_id) AND ((((runs -> '-1'::integer) ->> 'state'::text) IS NULL) OR (((runs -> '-1'::integer) ->> 'state'::text) = ANY (ARRAY['pending'::text, 'running'::text]))));

CREATE INDEX tasks_pending ON public.tasks USING btree (task_queue_id, priority, pending_order) WHERE (pending_order IS NOT NULL);

create sequence tasks_pending_order as bigint start 1 increment 1 cache 1;

create table timers (
  kind text collate "C" not null,
  key text collate "C" not null,
  due timestamp with time zone not null,
  not_before timestamp with time zone not null,
  data json not null,
  attempts integer not null default 0,
  last_error text,
  constraint timers_pkey PRIMARY KEY (kind, key)
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=2000);

CREATE INDEX timers_not_before ON public.timers USING btree (kind, not_before);

create table webhooks (
  uid uuid not null,
  hook_uid uuid not null,
  name text collate "C" not null,
  path text collate "C" not null,
  settings json not null,
  secrets bytea,
  created timestamp with time zone not null,
  last_modified timestamp with time zone not null,
  constraint webhooks_pkey PRIMARY KEY (uid),
  constraint webhooks_hook_uid_name_key UNIQUE (hook_uid, name),
  constraint webhooks_path_key UNIQUE (path)
);
