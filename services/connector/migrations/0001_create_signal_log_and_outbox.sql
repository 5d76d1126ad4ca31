-- The log: every signal once. The key is the identity of a signal, and it starts with the subject, by
-- which the log can be spread over machines. No foreign key to batches: a batch is gone once it is
-- delivered.
create table connector.signal (
    subject_account_id bigint not null,
    signal_id          uuid   not null,
    batch_id           uuid   not null,
    content            bytea  not null,

    constraint signal_pkey primary key (subject_account_id, signal_id)
);

comment on table connector.signal is
    'One row per signal, only ever inserted. signal_id: keyed hash of the network''s id. content: a '
    'klout.signal.v1.SignalBatch with this signal alone.';

-- What consumers have not confirmed. Lanes let replicas share the work, and spread it over machines.
create table connector.outbox (
    lane         smallint    not null,
    consumer     text        not null,
    batch_id     uuid        not null,
    payload      bytea       not null,
    leased_until timestamptz not null default '-infinity',
    attempts     integer     not null default 0,

    constraint outbox_pkey primary key (lane, consumer, batch_id),
    constraint outbox_lane_range check (lane between 0 and 63)
);

-- Payloads are small numbers and hashes: compressing them costs more than it saves.
alter table connector.outbox alter column payload set storage external;

comment on table connector.outbox is
    'One row per batch and consumer until the consumer confirms. payload: a '
    'klout.signal.v1.SignalBatch, fixed when it was made.';

create table connector.account_key (
    only_row    boolean not null default true,
    check_value bytea   not null,

    constraint account_key_pkey primary key (only_row),
    constraint account_key_only_row check (only_row)
);

comment on table connector.account_key is
    'Tells whether a process has the account key that this database was made with.';
