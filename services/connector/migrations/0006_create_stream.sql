-- What networks tell as it happens. One row per stream, which one replica reads at a time. How far it was read is written
-- in the transaction of what was read, so whatever is killed, it goes on where it was.
create table connector.stream (
    network       text        not null,
    source        text,
    number        bigint,
    micros        bigint,
    holder        uuid,
    leased_until  timestamptz not null default '-infinity',
    error_reason  text,
    error_message text,
    error_time    timestamptz,
    gap_from      timestamptz,
    gap_to        timestamptz,

    constraint stream_pkey primary key (network)
);

comment on table connector.stream is
    'source: whose number it is, as others have others. micros: the time of the last event, since 1970. holder: the replica '
    'that reads it until leased_until. error_…: why it ended, until it is read again. gap_…: between which times the '
    'source did not tell us all, the last time that happened.';

-- Which record told which signals: who takes one back names nothing but the record. The account that wrote it comes
-- first, by which rows are found and can be spread over machines. Nothing but hashes and numbers.
create table connector.stream_record (
    actor_account_id   bigint   not null,
    record_id          bigint   not null,
    subject_account_id bigint   not null,
    signal_id          uuid     not null,
    post_hash          uuid,
    day                integer  not null,
    read_day           integer  not null,
    part               smallint not null,
    kind               smallint,
    own                boolean  not null,
    gone               boolean  not null default false,

    constraint stream_record_pkey primary key (actor_account_id, record_id, part)
);

comment on table connector.stream_record is
    'One row per signal of a record, in its order (part). kind: of the interaction; null for a post. own: whether the '
    'signal came from here first, so that it is what this row says. gone: taken back. read_day: the rows of '
    'before the window are deleted.';

-- Rows come by the day, so this is small and costs nothing to keep.
create index stream_record_read_day on connector.stream_record using brin (read_day);
