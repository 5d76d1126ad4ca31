-- Campaigns and what they gave. Distributed by the campaign: whoever reserves holds its row, so that stock and budgets
-- are counted by one after the other; what one person got is looked up by an index.
create table perks.campaign (
    campaign_id       bigint      not null,
    state             text        not null default 'DRAFT',
    version           integer     not null default 1,
    brand             text        not null,
    create_caller     text        not null,
    create_time       timestamptz not null,
    update_time       timestamptz not null,
    activate_time     timestamptz,
    reserved          bigint      not null default 0,
    confirmed         bigint      not null default 0,
    given_minor_units bigint      not null default 0,

    constraint campaign_pkey primary key (campaign_id),
    constraint campaign_state_known check (state in ('DRAFT', 'ACTIVE', 'PAUSED', 'ENDED')),
    constraint campaign_counts_whole check (reserved >= 0 and confirmed >= 0 and given_minor_units >= 0)
);

comment on table perks.campaign is
    'One row per campaign: its state, its newest version, who made it, and what was given: reserved and confirmed count '
    'grants in these states, given_minor_units is what both are worth.';

create index campaign_newest on perks.campaign (create_time, campaign_id);
create index campaign_active on perks.campaign (campaign_id) where state = 'ACTIVE';

create table perks.campaign_version (
    campaign_id bigint      not null,
    version     integer     not null,
    spec        bytea       not null,
    create_time timestamptz not null,

    constraint campaign_version_pkey primary key (campaign_id, version)
);

comment on table perks.campaign_version is
    'One row per version of what a campaign offers, never changed: spec is a klout.perk.v1.CampaignSpec.';

create table perks.budget (
    campaign_id bigint not null,
    kind        text   not null,
    key         text   not null,
    taken       bigint not null,

    constraint budget_pkey primary key (campaign_id, kind, key),
    constraint budget_kind_known check (kind in ('PERSON', 'PROPERTY', 'DAY')),
    constraint budget_taken_whole check (taken >= 0)
);

comment on table perks.budget is
    'How many grants of a campaign, reserved or confirmed, a person has, a property gave, or a UTC day saw.';

create table perks.grant (
    campaign_id  bigint      not null,
    grant_id     bigint      not null,
    version      integer     not null,
    person_id    bigint,
    property     text        not null default '',
    stay         text        not null default '',
    category     text        not null default '',
    state        text        not null,
    unique_key   text        not null,
    minor_units  bigint      not null,
    day          date        not null,
    code         text,
    why          text        not null default '',
    reserve_time timestamptz not null,
    expire_time  timestamptz not null,
    confirm_time timestamptz,
    end_time     timestamptz,

    constraint grant_pkey primary key (campaign_id, grant_id),
    constraint grant_state_known check (state in ('RESERVED', 'CONFIRMED', 'RELEASED', 'EXPIRED', 'REVERSED'))
);

comment on table perks.grant is
    'One row per grant. person_id is null once the person was erased. unique_key: what can have one alone, person:ID or '
    'stay:PROPERTY/STAY as the campaign says, or grant:ID once the person was erased. day: the UTC day whose budget it '
    'took. code: reserved with the rest and told once it is confirmed; null again when a reservation ends.';

create unique index grant_once on perks.grant (campaign_id, unique_key) where state in ('RESERVED', 'CONFIRMED');
create index grant_of_person on perks.grant (person_id, reserve_time, campaign_id, grant_id);
create index grant_newest on perks.grant (campaign_id, reserve_time, grant_id);
create index grant_expiring on perks.grant (campaign_id, expire_time) where state = 'RESERVED';
create index grant_due on perks.grant (expire_time) include (campaign_id) where state = 'RESERVED';

create table perks.code (
    campaign_id bigint not null,
    code        text   not null,
    number      bigint not null,
    grant_id    bigint,

    constraint code_pkey primary key (campaign_id, code)
);

comment on table perks.code is
    'One row per uploaded code, given in the order of its number. grant_id: who has it; null again when a reservation '
    'ends before anybody saw it, never once it was told.';

create index code_left on perks.code (campaign_id, number) where grant_id is null;
create index code_number on perks.code (campaign_id, number);
create index code_of_grant on perks.code (campaign_id, grant_id) where grant_id is not null;

create table perks.decision (
    campaign_id bigint      not null,
    decision_id bigint      not null,
    caller      text        not null,
    request_id  text        not null,
    fingerprint bytea       not null,
    version     integer     not null,
    person_id   bigint,
    property    text        not null default '',
    stay        text        not null default '',
    outcome     text        not null,
    facts       bytea,
    grant_id    bigint,
    purpose     text        not null,
    decide_time timestamptz not null,

    constraint decision_pkey primary key (campaign_id, decision_id),
    constraint decision_request unique (campaign_id, caller, request_id)
);

comment on table perks.decision is
    'One row per decision, never changed but that facts (a klout.perk.v1.Facts) and person_id are deleted when a person '
    'leaves. fingerprint tells whether a repeated request_id asks the same. What each rule said follows from version '
    'and facts.';

create index decision_newest on perks.decision (campaign_id, decide_time, decision_id);
create index decision_of_person on perks.decision (person_id, decide_time);
create index decision_of_grant on perks.decision (campaign_id, grant_id) where grant_id is not null;
