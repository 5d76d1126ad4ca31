-- The log is read whole or not at all, so its content is kept packed, a row a batch, and once: what
-- consumers get is the same row. The rows of single signals are left with their identity, which is what
-- they are asked for. Rows of the version before keep their content where it is, and are read there.
create table connector.batch (
    lane       smallint not null,
    batch_id   uuid     not null,
    payload    bytea    not null,
    signal_ids bytea    not null,

    constraint batch_pkey primary key (lane, batch_id),
    constraint batch_lane_range check (lane between 0 and 63)
);

-- Payloads are small numbers and hashes: compressing them costs more than it saves.
alter table connector.batch alter column payload set storage external;
alter table connector.batch alter column signal_ids set storage external;

comment on table connector.batch is
    'The log: one row per batch, only ever inserted. payload: a klout.signal.v1.SignalBatch. '
    'signal_ids: the first 8 bytes of the signal_id of each of its interactions, counters and posts, in '
    'this order.';

alter table connector.signal alter column content drop not null;
alter table connector.signal add column retracted boolean not null default false;

comment on table connector.signal is
    'One row per signal, and per signal that was taken back before it came. signal_id: keyed hash of the '
    'network''s id. batch_id: where its content is, unless content has it. retracted: whether its effect '
    'was taken back.';

-- Only what is for one consumer alone stands in the outbox itself, and is gone when it was delivered:
-- handles for social-graph, texts for topics, which the log must not have of those who never joined.
alter table connector.outbox alter column payload drop not null;

comment on table connector.outbox is
    'One row per batch and consumer until the consumer confirms. payload: what this consumer gets after '
    'the payload of the batch, as encoded messages may be joined; of the version before, all it gets.';
