// How the server is set. The whole file is ours and written anew at every start; what an operator
// wants otherwise goes in with ALTER SYSTEM, which PostgreSQL keeps in the cluster and reads after
// this.

/** Connections of all processes that share the data folder. Each idle one costs about 2 MB. */
const MAX_CONNECTIONS = 40;

/** The text of postgresql.conf. */
export const serverSettings = (paths: { socketFolder: string; accessFile: string }): string => `\
# Written by Hookwright at every start of the server: changes made here are lost. Use ALTER SYSTEM instead.

# Who gets in: whoever may enter the socket's folder (mode 0700), and nobody over the network.
listen_addresses = ''
unix_socket_directories = ${quote(`"${paths.socketFolder.replaceAll('"', '""')}"`)}
unix_socket_permissions = 0700
hba_file = ${quote(paths.accessFile)}

# What was acknowledged survives a power cut.
fsync = on
synchronous_commit = on
full_page_writes = on

# Small when idle: our tables are small, and the kernel caches files as well.
max_connections = ${MAX_CONNECTIONS}
superuser_reserved_connections = 2
shared_buffers = 24MB
huge_pages = off
wal_buffers = 2MB
work_mem = 4MB
maintenance_work_mem = 32MB
jit = off

# No process that has nothing to do: no replication, no I/O workers, no parallel queries over small tables.
io_method = sync
max_worker_processes = 2
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
max_logical_replication_workers = 0
wal_level = minimal
max_wal_senders = 0
max_replication_slots = 0

# A crash costs at most max_wal_size of replay, which is a second or two.
min_wal_size = 80MB
max_wal_size = 256MB
checkpoint_timeout = 10min

# The small tables of unfinished work are updated all the time, so their dead rows must go early.
autovacuum = on
autovacuum_worker_slots = 3
autovacuum_max_workers = 2
autovacuum_naptime = 30s

# Standard error, which is postgres.log. No statements and no details of rows: they may hold what callers sent.
logging_collector = off
log_checkpoints = off
log_min_error_statement = panic
log_error_verbosity = terse
log_line_prefix = '%m [%p] '

timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
`;

/**
 * The text of pg_hba.conf. Trust is enough: a connection needs the socket, whose folder only root
 * and the user that owns the data files may enter, and they could read the files themselves.
 */
export const ACCESS_RULES = `\
# Written by Hookwright at every start of the server. The socket's folder has mode 0700.
local all all trust
`;

const quote = (value: string): string =>
  `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
