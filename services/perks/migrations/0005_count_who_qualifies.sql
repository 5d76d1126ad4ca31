-- Counts of all members for whom a campaign's rules hold, which take longer than anybody waits. Whichever process has
-- time goes on with one, where the last left off.
create table perks.preview (
    preview_id         bigint      not null,
    spec               bytea       not null,
    state              text        not null default 'RUNNING',
    sampled            bigint      not null,
    sampled_qualifying bigint      not null,
    members            bigint      not null,
    sample_time        timestamptz not null,
    after_person_id    bigint      not null default 0,
    counted            bigint      not null default 0,
    qualifying         bigint      not null default 0,
    attempts           integer     not null default 0,
    problem            text        not null default '',
    leased_until       timestamptz not null default '-infinity',
    create_time        timestamptz not null,

    constraint preview_pkey primary key (preview_id),
    constraint preview_state_known check (state in ('RUNNING', 'DONE', 'FAILED'))
);

comment on table perks.preview is
    'One row per exact count of the last day: spec is a klout.perk.v1.CampaignSpec, sampled, sampled_qualifying and '
    'members are what the estimate rests on. after_person_id: up to there members are counted. attempts: how often it '
    'failed since it last got on. It names nobody.';

create index preview_waiting on perks.preview (leased_until) where state = 'RUNNING';
create index preview_create_time on perks.preview (create_time);
