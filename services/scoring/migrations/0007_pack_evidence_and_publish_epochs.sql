-- The evidence of an account becomes one row with small changes beside it: of 100 cells an account each took a
-- row and an entry of an index before, and a score or a pass read them one by one. Whoever applies a batch adds a
-- row an account and waits for nobody; changes are put into the block in the background. Both have one form
-- (libs/score-engine/src/packed.rs), add up in any order, and can be made anew from the connector's log
-- (`klout rebuild`). No compression: ids are random, and days are packed already.
create table scoring.evidence (
    account_id bigint  not null,
    first_day  integer not null,
    evidence   bytea   not null,
    tallies    bytea,

    constraint evidence_pkey primary key (account_id)
);

alter table scoring.evidence alter column evidence set storage external;
alter table scoring.evidence alter column tallies set storage external;

comment on table scoring.evidence is
    'One row per account of whom there is evidence: cells, posts, readings and given +K, packed. first_day: '
    'nothing is of a day before (since 1970). tallies: what of the cells belongs to which post, packed.';

-- Whose evidence has to be gone through because some of it left the window.
create index evidence_first_day on scoring.evidence (first_day);

create table scoring.evidence_delta (
    account_id bigint not null,
    position   bigint generated always as identity,
    evidence   bytea  not null,
    tallies    bytea,

    constraint evidence_delta_pkey primary key (account_id, position)
)
-- Rows come and go all the time.
with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0.0, autovacuum_vacuum_insert_threshold = 100000);

alter table scoring.evidence_delta alter column evidence set storage external;
alter table scoring.evidence_delta alter column tallies set storage external;

comment on table scoring.evidence_delta is
    'One row per applied batch and account, until it is added to the row in evidence. Of the same form.';

-- A process keeps in memory who owns which account, and asks for what changed since it asked last.
alter table scoring.account add column owned_since xid8;
update scoring.account set owned_since = pg_current_xact_id() where person_id is not null;

create index account_owned_since on scoring.account (owned_since) where owned_since is not null;

comment on table scoring.account is
    'One row per account. person_id: its owner, null for a pseudonym. revision: that of social-graph, '
    'the newest wins. owned_since: the transaction that changed the owner last.';

-- What a pass found out about everybody. There is a row from the moment that scores rest on it.
create table scoring.epoch (
    epoch        bigint      not null,
    model        text        not null,
    day          integer     not null,
    publish_time timestamptz not null,
    parts        integer     not null,

    constraint epoch_pkey primary key (epoch)
);

comment on table scoring.epoch is
    'One row per published epoch; the highest is the one that people are scored by. day: that of the pass, since 1970. '
    'parts: how many rows it has in epoch_part.';

create table scoring.epoch_part (
    epoch   bigint  not null,
    part    integer not null,
    content bytea   not null,

    constraint epoch_part_pkey primary key (epoch, part)
);

alter table scoring.epoch_part alter column content set storage external;

comment on table scoring.epoch_part is
    'Factors of everybody in an epoch, packed in parts (libs/score-engine/src/published.rs). Only of the last '
    'two epochs, and of the one that is being written.';

-- A pass is taken up by another process when the one that works on it is silent.
create table scoring.pass (
    pass_id       bigint      generated always as identity,
    request_id    text,
    state         text        not null,
    epoch         bigint      not null,
    model         text        not null,
    start_time    timestamptz not null,
    end_time      timestamptz,
    running_until timestamptz not null,
    resumptions   integer     not null default 0,
    people        bigint      not null default 0,
    people_done   bigint      not null default 0,
    cells         bigint      not null default 0,
    findings      bigint      not null default 0,
    problem       text        not null default '',

    constraint pass_pkey primary key (pass_id),
    constraint pass_request_id_key unique (request_id),
    constraint pass_state_known
        check (state in ('READING', 'COMPUTING', 'PUBLISHING', 'WRITING', 'DONE', 'FAILED')),
    constraint pass_end check ((end_time is null) = (state not in ('DONE', 'FAILED')))
);

comment on table scoring.pass is
    'One row per pass over everybody. running_until: who works on it has to say so again before that. '
    'findings: how often findings about anybody had come or gone when it read.';

-- One goes on at a time.
create unique index pass_going_on on scoring.pass ((true)) where end_time is null;

-- Today's scores stand in score alone, and go to the history when the day or the model is over: a rescore then
-- writes one row, where it wrote two. What a score is compared with stays the same for a day.
alter table scoring.score add column day_before double precision;
alter table scoring.score add column week_before double precision;
alter table scoring.score add column month_before double precision;

comment on table scoring.score is
    'The newest score of each member. score is null for a member without evidence. day_before, week_before, '
    'month_before: the scores that the changes are told since.';
comment on table scoring.history is
    'One score per member, UTC day and model, of days and models that are over. Never changed.';
