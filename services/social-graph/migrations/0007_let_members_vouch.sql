-- Who vouches for whom. Distributed by the giver, whose budget is counted with each +K; that one person's rows are
-- few. What somebody received is looked up by an index, as are those that thanks name.
create table social_graph.plus_k (
    giver_id        bigint      not null,
    plus_k_id       bigint      not null,
    receiver_id     bigint      not null,
    topic_id        bigint      not null,
    topic           text        not null,
    give_time       timestamptz not null,
    time_zone       text        not null,
    request_id      text,
    giver_native    bigint      not null,
    receiver_native bigint      not null,
    take_back_time  timestamptz,
    thank_time      timestamptz,
    thanks          text        not null default '',
    thanks_public   boolean     not null default false,

    constraint plus_k_pkey primary key (giver_id, plus_k_id),
    constraint plus_k_request unique (giver_id, request_id),
    constraint plus_k_to_another check (giver_id <> receiver_id)
);

comment on table social_graph.plus_k is
    'One row per +K that was given, also when it was taken back: then it is answered to nobody but whoever repeats '
    'the request. time_zone: of the giver, then, so that a move brings no further day. giver_native, '
    'receiver_native: what the two are called on the network klout, which a merge does not change.';

create index plus_k_given on social_graph.plus_k (giver_id, give_time, plus_k_id);
create index plus_k_received on social_graph.plus_k (receiver_id, give_time, plus_k_id);
create index plus_k_named on social_graph.plus_k (plus_k_id);

-- +K of which the connector has not heard. One that is taken back while it is told waits again.
create table social_graph.plus_k_outbox (
    plus_k_id       bigint      not null,
    giver_native    bigint      not null,
    receiver_native bigint      not null,
    topic           text        not null,
    give_time       timestamptz not null,
    taken_back      boolean     not null default false,
    leased_until    timestamptz not null default '-infinity',
    attempts        integer     not null default 0,

    constraint plus_k_outbox_pkey primary key (plus_k_id)
);

comment on table social_graph.plus_k_outbox is
    'One row per +K until the connector has it as it is now: given, or taken back.';

create index plus_k_outbox_leased_until on social_graph.plus_k_outbox (leased_until);

create table social_graph.block (
    person_id  bigint      not null,
    blocked_id bigint      not null,
    block_time timestamptz not null,

    constraint block_pkey primary key (person_id, blocked_id)
);

comment on table social_graph.block is
    'From whom a member takes no +K and no proposals. At most 1,000 each.';

create index block_blocked_id on social_graph.block (blocked_id);

create table social_graph.topic_proposal (
    person_id   bigint      not null,
    proposal_id bigint      not null,
    proposer_id bigint      not null,
    topic_id    bigint      not null,
    topic       text        not null,
    create_time timestamptz not null,

    constraint topic_proposal_pkey primary key (person_id, proposal_id),
    constraint topic_proposal_once unique (person_id, proposer_id, topic_id)
);

comment on table social_graph.topic_proposal is
    'Topics on which somebody would give a +K and which the member does not have. Gone with the answer.';

create index topic_proposal_proposer_id on social_graph.topic_proposal (proposer_id);

-- Kept by the consumer of signals: its rows are of the last 30 days and few.
create table social_graph.plus_k_suggestion (
    person_id   bigint  not null,
    receiver_id bigint  not null,
    day         integer not null,

    constraint plus_k_suggestion_pkey primary key (person_id, receiver_id)
);

comment on table social_graph.plus_k_suggestion is
    'Whose answer a member accepted, and on which UTC day last (since 1970). At most 200 a member.';

create index plus_k_suggestion_receiver_id on social_graph.plus_k_suggestion (receiver_id);
