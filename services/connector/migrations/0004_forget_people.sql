-- Nothing about or by accounts of people who were erased is taken in, and it leaves the log: else the log would bring
-- it back. This service's own copy of what social-graph decides.
create table connector.person_state (
    person_id bigint not null,
    number    bigint not null,
    state     text   not null,

    constraint person_state_pkey primary key (person_id)
);

comment on table connector.person_state is
    'One row per person of whom a state was told. number: that of social-graph, the highest wins.';

-- Where to go on asking social-graph.
create index person_state_number on connector.person_state (number);

create table connector.erased_account (
    account_id  bigint  not null,
    through_day integer,

    constraint erased_account_pkey primary key (account_id)
);

comment on table connector.erased_account is
    'One row per account of somebody who was erased: signals about or by it are not taken in. through_day: up to that '
    'day (since 1970); null: whatever the day.';

-- Batches are packed, and what somebody did is in those of others: the log is gone through batch by batch, again and
-- again, for all who wait at the same time.
create table connector.forgetting (
    account_id  bigint   not null,
    person_id   bigint   not null,
    since_lap   bigint   not null,
    since_lane  smallint not null,
    since_batch uuid     not null,
    signals     bigint   not null default 0,

    constraint forgetting_pkey primary key (account_id)
);

comment on table connector.forgetting is
    'One row per erased account that the log is being gone through for. since_…: where the hand of forgetting_hand '
    'stood when it came. signals: what was taken out so far.';

create index forgetting_person_id on connector.forgetting (person_id);

create table connector.forgetting_hand (
    only_row boolean  not null default true,
    lap      bigint   not null,
    lane     smallint not null,
    batch_id uuid     not null,

    constraint forgetting_hand_pkey primary key (only_row),
    constraint forgetting_hand_only_row check (only_row)
);

comment on table connector.forgetting_hand is
    'Up to and with which batch the log was gone through, and how often all of it was.';

insert into connector.forgetting_hand (lap, lane, batch_id)
values (0, -1, '00000000-0000-0000-0000-000000000000');

comment on table connector.batch is
    'The log: one row per batch. payload: a klout.signal.v1.SignalBatch, fixed when it was made but for what is taken '
    'out of people who were erased. signal_ids: the first 8 bytes of the signal_id of each of its interactions, '
    'counters and posts, in this order.';
