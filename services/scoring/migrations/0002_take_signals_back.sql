-- What was told can be taken back, in any order: every row of evidence counts how often it was told, less
-- how often it was taken back, and counts as evidence while that is more than zero. Rows of the version
-- before were told at least once.
alter table scoring.cell add column told bigint not null default 1;
alter table scoring.post add column told bigint not null default 1;
alter table scoring.counter add column told bigint not null default 1;

-- When a reading is taken back, the one before it counts again: all readings of the window are kept.
alter table scoring.counter drop constraint counter_pkey;
alter table scoring.counter
    add constraint counter_pkey primary key (account_id, name, post_hash, read_time, value);

comment on table scoring.cell is
    'How often an actor did something to a subject on a UTC day (days since 1970), up to 10^18. '
    'actor_account_id is 0 where actor_known is false. told: signals that were told, less those that '
    'were taken back; count and told are below zero while only the taking back has arrived.';
comment on table scoring.post is
    'One row per published post, of the earliest day that was told. told: as in cell.';
comment on table scoring.counter is
    'Readings of counters; the newest with told above zero counts, and of two at one time the larger.';
