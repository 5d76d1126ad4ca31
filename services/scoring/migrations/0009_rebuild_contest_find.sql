-- While evidence is made again from the log of the connector, what is here is a part of it: nobody is scored by
-- that. A table of its own: publications and rescores lock the standing.
create table scoring.rebuild (
    only_row   boolean not null default true,
    number     bigint  not null default 0,
    since_time timestamptz,

    constraint rebuild_pkey primary key (only_row),
    constraint rebuild_only_row check (only_row)
);

comment on table scoring.rebuild is
    'since_time: since when evidence is made again; null when it is whole. number: of the last time; what was '
    'read while it was another one may be in pieces.';

insert into scoring.rebuild (since_time) values (null);

-- What operators have found out about accounts. Kept for good, reversed ones too: they are why a score was what it
-- was. The native id of the account is not kept, as of everybody who never joined.
create table scoring.finding (
    finding_id   bigint      not null generated always as identity,
    account_id   bigint      not null,
    network      text        not null,
    person_id    bigint,
    reason       text        not null,
    request_id   text        not null,
    record_time  timestamptz not null default now(),
    reverse_time timestamptz,

    constraint finding_pkey primary key (finding_id),
    constraint finding_request_id_key unique (request_id)
);

comment on table scoring.finding is
    'One row per finding: the reactions of account_id are no honest signals. person_id: only those to that '
    'person, null for all. reverse_time: since when they count again, null while the finding stands.';

-- There are few of them, and each pass and rescore reads all that stand.
create index finding_standing on scoring.finding (account_id) where reverse_time is null;

-- What people have to say against their scores.
create table scoring.contest (
    contest_id        bigint      not null generated always as identity,
    person_id         bigint      not null,
    reason            text        not null,
    request_id        text        not null,
    open_time         timestamptz not null default now(),
    explanation       bytea,
    answer            text,
    answer_time       timestamptz,
    reversed_findings bigint[]    not null default '{}',

    constraint contest_pkey primary key (contest_id),
    -- Of a person: what somebody else has made up is not theirs to repeat.
    constraint contest_request_id_key unique (person_id, request_id),
    constraint contest_answered check ((answer is null) = (answer_time is null))
);

comment on table scoring.contest is
    'One row per case. explanation: an encoded klout.score.v1.Explanation of when it was opened. '
    'reversed_findings: those that were reversed with the answer.';

create index contest_person on scoring.contest (person_id, contest_id);
create index contest_open on scoring.contest (contest_id) where answer is null;
