-- Up Migration

-- Pages over all hooks, newest first.
create index ledger_in_order on ledger (at desc, seq desc);
-- What somebody looks for who asks why there is no task, and what is rare beside the rest.
create index ledger_without_task on ledger (at desc, seq desc) where outcome is distinct from 'created';
create index ledger_replays on ledger (cause) where cause like 'replay:%';

-- Where one row is looked for, of millions. These say in which pages it is not: a thousandth of the size of a B-tree, and hardly any
-- work for who writes. What was written last is not in them yet, and is read.
create index ledger_seq_pages on ledger using brin (seq) with (pages_per_range = 32, autosummarize = on);
create index ledger_task_pages on ledger using brin (task_id text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.002))
  with (pages_per_range = 32, autosummarize = on);
create index ledger_cause_pages on ledger using brin (cause text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.002))
  with (pages_per_range = 32, autosummarize = on);
create index ledger_request_pages on ledger using brin (request_id text_bloom_ops (n_distinct_per_range = 1000, false_positive_rate = 0.002))
  with (pages_per_range = 32, autosummarize = on);

-- Down Migration

drop index ledger_in_order, ledger_without_task, ledger_replays, ledger_seq_pages, ledger_task_pages, ledger_cause_pages, ledger_request_pages;
