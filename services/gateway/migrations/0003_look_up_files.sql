-- Files of customers that are looked up in bulk, and who that is.
--
-- What is a million rows lies packed, up to a thousand rows in a chunk: rows are read and written that many at a time,
-- and in their order. Who was found lies unpacked, as somebody who leaves takes with them what was found of them. Jobs
-- have an end of seven days, and what belongs to one goes with it a bite at a time: so there are no foreign keys.
create table gateway.lookup_job (
    job_id         bigint           not null,
    caller         text             not null,
    purpose        text             not null,
    request_id     text             not null,
    min_likelihood double precision not null,
    state          text             not null,
    create_time    timestamptz      not null,
    finish_time    timestamptz,
    expire_time    timestamptz      not null,
    parts          integer          not null default 0,
    bytes          bigint           not null default 0,
    rows           bigint           not null default 0,
    looked_up      bigint           not null default 0,
    matched        bigint           not null default 0,
    unmatched      bigint           not null default 0,
    failed         bigint           not null default 0,
    cursor_part    integer          not null default 0,
    cursor_chunk   integer          not null default 0,
    lease          bigint           not null default 0,
    leased_until   timestamptz      not null default '-infinity',
    serve_time     timestamptz      not null default '-infinity',

    constraint lookup_job_pkey primary key (job_id),
    constraint lookup_job_state_known check (state in ('OPEN', 'RUNNING', 'DONE', 'DELETED'))
);

comment on table gateway.lookup_job is
    'One row per file of customers. caller, purpose: name and words of the key that made it, on whose behalf it is looked '
    'up. cursor: the last chunk that was. leased_until: whoever has the number of the lease looks the next one up. '
    'serve_time: when that was begun last. DELETED: is not there for anybody, and what belongs to it goes.';

-- Of repeated calls that open a job one does.
create unique index lookup_job_request on gateway.lookup_job (caller, request_id)
    where request_id <> '' and state <> 'DELETED';

-- Jobs of a key, newest first.
create index lookup_job_of_caller on gateway.lookup_job (caller, create_time desc, job_id desc);

-- When a key was served last.
create index lookup_job_served on gateway.lookup_job (caller, serve_time);

-- The few that are to be looked up.
create index lookup_job_running on gateway.lookup_job (serve_time) where state = 'RUNNING';

-- What is to be deleted, and when.
create index lookup_job_expiring on gateway.lookup_job (expire_time);

-- A part is there when it came whole; until then its chunks belong to an upload and are nobody's.
create table gateway.lookup_part (
    job_id    bigint  not null,
    part      integer not null,
    upload_id bigint  not null,
    hash      bytea   not null,
    bytes     bigint  not null,
    rows      bigint  not null,

    constraint lookup_part_pkey primary key (job_id, part)
);

comment on table gateway.lookup_part is
    'One row per part of a file that came whole. hash: BLAKE3 of its bytes, by which a repetition is told from another part.';

create table gateway.lookup_upload (
    job_id     bigint      not null,
    upload_id  bigint      not null,
    part       integer     not null,
    start_time timestamptz not null,

    constraint lookup_upload_pkey primary key (job_id, upload_id)
);

comment on table gateway.lookup_upload is 'One row per part that is coming, or broke off.';

create index lookup_upload_started on gateway.lookup_upload (start_time);

create table gateway.lookup_chunk (
    job_id    bigint  not null,
    upload_id bigint  not null,
    chunk     integer not null,
    first_row bigint  not null,
    rows      integer not null,
    content   bytea   not null,

    constraint lookup_chunk_pkey primary key (job_id, upload_id, chunk)
);

-- Hashes cannot be compressed; trying to is half the cost of writing them.
alter table gateway.lookup_chunk alter column content set storage external;

comment on table gateway.lookup_chunk is
    'Up to 1,000 rows of a part. chunk: from 1. first_row: how many rows of the part are before it. content: rows as in '
    'services/gateway/src/jobs/row.rs; once they are looked up, no more than what a row is called and why it failed.';

create table gateway.lookup_result (
    job_id            bigint           not null,
    part              integer          not null,
    place             bigint           not null,
    person_id         bigint           not null,
    likelihood        double precision not null,
    matched_on        text             not null,
    by_hashes_alone   boolean          not null,

    constraint lookup_result_pkey primary key (job_id, part, place)
);

comment on table gateway.lookup_result is
    'One row per row of a file that is somebody. place: how many rows of the part are before it. by_hashes_alone: nobody '
    'outside is told who it is.';

-- What was found of somebody is found when they leave or are somebody else.
create index lookup_result_of_person on gateway.lookup_result (person_id);

-- The gateway's own copy of who is no member any more, so that nothing is written about them.
create table gateway.person_state (
    person_id      bigint   not null,
    number         bigint   not null,
    state          text     not null,
    withheld       smallint not null,
    into_person_id bigint,

    constraint person_state_pkey primary key (person_id),
    constraint person_state_state_known
        check (state in ('MEMBER', 'WITHHELD', 'OPTED_OUT', 'ERASED', 'MERGED')),
    constraint person_state_merged check ((state = 'MERGED') = (into_person_id is not null))
);

comment on table gateway.person_state is
    'One row per person who ever was another one than a member who consents to everything. number: that of '
    'social-graph, the highest wins. withheld: purposes that the person does not consent to, a bit each '
    '(libs/model/src/purpose.rs).';

-- Where to go on asking social-graph.
create index person_state_number on gateway.person_state (number);
