-- Who is no member any more is not shown, and nobody computes anything of them: this service's own copy of what
-- social-graph decides, which holds also when social-graph does not answer or was restored from a backup.
create table topics.person_state (
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

comment on table topics.person_state is
    'One row per person who ever was another one than a member who consents to everything. number: that of '
    'social-graph, the highest wins. withheld: purposes that the person does not consent to, a bit each '
    '(libs/model/src/purpose.rs).';

-- Where to go on asking social-graph.
create index person_state_number on topics.person_state (number);

create table topics.erased_account (
    account_id  bigint  not null,
    through_day integer,

    constraint erased_account_pkey primary key (account_id)
);

comment on table topics.erased_account is
    'One row per account of somebody who was erased: nothing about or by it is kept. through_day: up to that day '
    '(since 1970); null: whatever the day.';

-- What erased people called others is found without looking at everything.
create index label_by_actor on topics.label (actor_id) where actor_id <> 0;

-- Whoever is erased is found in what others declared without looking at everything.
create index declared_influencers on topics.declared using gin (influencers);
