-- Properties and what their desks decided. Small beside grants: one row per stay, and tomorrow's arrivals.
create table perks.property (
    property     text        not null,
    display_name text        not null,
    country      text        not null,
    city         text        not null,
    time_zone    text        not null,
    currency     text        not null,
    is_sandbox   boolean     not null,
    create_time  timestamptz not null,

    constraint property_pkey primary key (property)
);

comment on table perks.property is 'One row per place with a desk. Never deleted: grants and decisions name it.';

create table perks.category (
    property     text     not null,
    category     text     not null,
    place        smallint not null,
    display_name text     not null,

    constraint category_pkey primary key (property, category),
    constraint category_place_whole check (place >= 0)
);

comment on table perks.category is
    'One row per category of rooms or seats; place counts from the plainest, 0. Whoever offers one of them holds its row, '
    'so that two desks do not offer the last one twice.';

create table perks.check_in (
    property      text        not null,
    stay          text        not null,
    attempt       bigint      not null,
    state         text        not null default 'DECIDED',
    is_told_again boolean     not null default false,
    fingerprint   bytea       not null,
    caller        text        not null,
    person_id     bigint,
    outcome       text        not null,
    reason        text        not null,
    explanation   text        not null default '',
    line          text        not null default '',
    category      text        not null default '',
    disclosure    text        not null default '',
    campaign_id   bigint,
    grant_id      bigint,
    is_stale      boolean     not null default false,
    score_time    timestamptz,
    decide_time   timestamptz not null,

    constraint check_in_pkey primary key (property, stay),
    constraint check_in_state_known check (state in ('DECIDED', 'WITHDRAWN')),
    constraint check_in_outcome_known check (outcome in ('OFFER', 'NO_OFFER'))
);

comment on table perks.check_in is
    'One row per stay: what the desk was told. attempt makes the request_id of what was reserved. WITHDRAWN: it came too '
    'late for its desk, gives nothing, and another attempt takes its place; is_told_again: another call has told it, so '
    'that it is not withdrawn any more. fingerprint is of the guest and then of the room. Deleted when a person leaves, '
    'after a day when nobody was found, and else after 400 days.';

create index check_in_of_person on perks.check_in (person_id, decide_time);
create index check_in_decide_time on perks.check_in (decide_time);
create index check_in_of_nobody on perks.check_in (decide_time) where person_id is null;

create table perks.arrival (
    property        text        not null,
    arrival_day     date        not null,
    stay            text        not null,
    person_id       bigint,
    guest           bytea       not null,
    booked_category text        not null,
    outcome         text        not null,
    reason          text        not null,
    categories      text[]      not null,
    line            text        not null,
    disclosure      text        not null,
    campaign_id     bigint,
    facts           bytea,
    mark_time       timestamptz not null,

    constraint arrival_pkey primary key (property, arrival_day, stay),
    constraint arrival_outcome_known check (outcome in ('OFFER', 'NO_OFFER'))
);

comment on table perks.arrival is
    'One row per guest who is expected and could be offered something, or not; guest tells them from others, and facts is '
    'a klout.perk.v1.Facts, from which a desk decides when scoring does not answer. Deleted three days after the arrival, and when a person leaves.';

create index arrival_of_person on perks.arrival (person_id) where person_id is not null;
create index arrival_stay on perks.arrival (property, stay, arrival_day);
create index arrival_day on perks.arrival (arrival_day);

-- What holds the last suite: few at a time are reserved of one category.
create index grant_holding on perks.grant (property, category) where state = 'RESERVED' and category <> '';
