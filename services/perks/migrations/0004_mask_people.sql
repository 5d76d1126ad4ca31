-- Who is no member any more is not shown and gets nothing: this service's own copy of what social-graph decides, which
-- holds also when social-graph does not answer or was restored from a backup.
create table perks.person_state (
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

comment on table perks.person_state is
    'One row per person who ever was another one than a member who consents to everything. number: that of '
    'social-graph, the highest wins. withheld: purposes that the person does not consent to, a bit each '
    '(libs/model/src/purpose.rs).';

-- Where to go on asking social-graph.
create index person_state_number on perks.person_state (number);

-- What people have of each campaign is found when they are merged or leave without looking at everything.
create index budget_of_person on perks.budget (key) where kind = 'PERSON';
