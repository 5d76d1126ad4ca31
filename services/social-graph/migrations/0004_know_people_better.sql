-- What people say of themselves, and whether they take part.
alter table social_graph.person
    add column display_name text not null default '',
    add column languages text[] not null default '{}',
    add column time_zone text not null default '',
    add column age_band text not null default '',
    add column state text not null default 'MEMBER',
    add column withheld_purposes text[] not null default '{}',
    add column withheld_networks text[] not null default '{}',
    add column merged_into bigint,
    add constraint person_state_known
        check (state in ('MEMBER', 'WITHHELD', 'OPTED_OUT', 'ERASED', 'MERGED')),
    add constraint person_merged_into check ((state = 'MERGED') = (merged_into is not null));

comment on column social_graph.person.state is
    'MEMBER: scored and shown. Nobody else is: WITHHELD are too young, OPTED_OUT did, ERASED are gone within a '
    'day, MERGED are somebody else now.';
comment on column social_graph.person.merged_into is
    'Who a merged person is now: never one who is merged too.';

-- Numbers are given out under the lock of this row, so they are seen in their order: who has heard of one has
-- heard of all below.
create table social_graph.state_number (
    only_row boolean not null default true,
    number   bigint  not null,

    constraint state_number_pkey primary key (only_row),
    constraint state_number_only_row check (only_row)
);

comment on table social_graph.state_number is 'The last number that a state of a person was given.';

insert into social_graph.state_number (number) values (0);

-- Outlives the person: what other services are told, and what a restored backup is told again.
create table social_graph.person_state (
    person_id         bigint   not null,
    number            bigint   not null,
    state             text     not null,
    withheld_purposes text[]   not null default '{}',
    into_person_id    bigint,

    constraint person_state_pkey primary key (person_id),
    constraint person_state_state_known
        check (state in ('MEMBER', 'WITHHELD', 'OPTED_OUT', 'ERASED', 'MERGED'))
);

comment on table social_graph.person_state is
    'The newest state of each person that ever was another one than a member who consents to everything.';

create index person_state_number on social_graph.person_state (number);

create table social_graph.erased_account (
    account_id  bigint  not null,
    person_id   bigint  not null,
    through_day integer,

    constraint erased_account_pkey primary key (account_id)
);

comment on table social_graph.erased_account is
    'One row per account of somebody who was erased: what is about or by it is not taken in. through_day: up to that '
    'day (since 1970), as somebody joined with it again; null: whatever the day.';

create index erased_account_person_id on social_graph.erased_account (person_id);
