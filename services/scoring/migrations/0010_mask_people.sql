-- Who is no member any more is not shown, and nobody writes anything of them: this service's own copy of what
-- social-graph decides, which holds also when social-graph does not answer or was restored from a backup.
create table scoring.person_state (
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

comment on table scoring.person_state is
    'One row per person who ever was another one than a member who consents to everything. number: that of '
    'social-graph, the highest wins. withheld: purposes that the person does not consent to, a bit each '
    '(libs/model/src/purpose.rs).';

-- Where to go on asking social-graph.
create index person_state_number on scoring.person_state (number);

create table scoring.erased_account (
    account_id  bigint  not null,
    through_day integer,

    constraint erased_account_pkey primary key (account_id)
);

comment on table scoring.erased_account is
    'One row per account of somebody who was erased: evidence about or by it is not taken in. through_day: up to '
    'that day (since 1970); null: whatever the day.';

-- Counts what was changed about anybody's state, in the order of commits: the numbers of social-graph may come in
-- another one.
create table scoring.masking (
    only_row boolean not null default true,
    number   bigint  not null,

    constraint masking_pkey primary key (only_row),
    constraint masking_only_row check (only_row)
);

comment on table scoring.masking is 'The last change of anybody''s state.';

insert into scoring.masking (number) values (0);

-- A process of the version before never confirms anything, so nobody counts as masked while it may serve.
alter table scoring.replica add column confirmed bigint not null default 0;

comment on table scoring.replica is
    'One row per process that serves cached scores. By the clock of this server. confirmed: the last change of '
    'anybody''s state (in masking) that it has heard of, with all before.';

-- What actors did is in the blocks of those whom they did it to, and there is no index by actor: blocks are gone
-- through in the order of accounts, again and again, for all who wait at the same time.
create table scoring.forgetting (
    account_id bigint not null,
    person_id  bigint not null,
    since_lap  bigint not null,
    since_hand bigint not null,
    cells      bigint not null default 0,
    given      bigint not null default 0,

    constraint forgetting_pkey primary key (account_id)
);

comment on table scoring.forgetting is
    'One row per erased account that other people''s evidence is being gone through for. since_lap, since_hand: where '
    'the hand of forgetting_hand stood when it came. cells, given: what was taken out so far.';

create index forgetting_person_id on scoring.forgetting (person_id);

create table scoring.forgetting_hand (
    only_row boolean not null default true,
    lap      bigint  not null,
    hand     bigint  not null,

    constraint forgetting_hand_pkey primary key (only_row),
    constraint forgetting_hand_only_row check (only_row)
);

comment on table scoring.forgetting_hand is
    'Up to and with which account evidence was gone through, and how often all of it was.';

insert into scoring.forgetting_hand (lap, hand) values (0, (-9223372036854775808)::bigint);

create table scoring.evidence_gap (
    account_id bigint not null,

    constraint evidence_gap_pkey primary key (account_id)
);

comment on table scoring.evidence_gap is
    'Accounts out of whose evidence something was taken that erased people did: the log does not make the same '
    'evidence any more. Emptied when evidence is made again.';
