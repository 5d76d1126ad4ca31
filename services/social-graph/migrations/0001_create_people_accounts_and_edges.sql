create table social_graph.person (
    person_id   bigint      not null,
    create_time timestamptz not null,

    constraint person_pkey primary key (person_id),
    constraint person_person_id_range check (person_id > 0)
);

comment on table social_graph.person is 'One row per human who joined. person_id is random.';

-- Numbers every change of an account's owner, so that those who are told can tell which is newer.
create sequence social_graph.membership_revision;

create table social_graph.account (
    account_id  bigint      not null,
    tag         bytea       not null,
    network     text        not null,
    native_id   text        not null,
    handle      text        not null,
    handle_time timestamptz not null,
    person_id   bigint      not null,
    revision    bigint      not null default nextval('social_graph.membership_revision'),
    link_time   timestamptz not null,

    constraint account_pkey primary key (account_id)
);

comment on table social_graph.account is
    'One row per account of a member. account_id and tag: keyed hash of network and native id. '
    'handle_time: when the account was called that.';

create index account_person_id on social_graph.account (person_id);
create index account_handle on social_graph.account (network, handle);

-- Accounts whose owner scoring has not heard of. A later change of the same account replaces the row:
-- what is told is always the newest.
create table social_graph.membership_outbox (
    account_id   bigint      not null,
    revision     bigint      not null,
    leased_until timestamptz not null default '-infinity',
    attempts     integer     not null default 0,

    constraint membership_outbox_pkey primary key (account_id)
);

comment on table social_graph.membership_outbox is
    'One row per account until scoring confirms its owner of that revision or a newer one.';

create index membership_outbox_leased_until on social_graph.membership_outbox (leased_until);

-- What the connector pushes is applied once: the id of a batch is written in the transaction that
-- applies it.
create table social_graph.applied_batch (
    batch_id   uuid        not null,
    apply_time timestamptz not null default now(),

    constraint applied_batch_pkey primary key (batch_id)
);

comment on table social_graph.applied_batch is
    'One row per batch that is in the edges. Only ever inserted.';

create table social_graph.edge (
    subject_account_id bigint  not null,
    actor_account_id   bigint  not null,
    day                integer not null,
    count              bigint  not null,

    constraint edge_pkey primary key (subject_account_id, actor_account_id, day)
);

comment on table social_graph.edge is
    'How often an actor reacted to a subject on a UTC day (days since 1970), over all kinds. Counts '
    'only grow, up to 10^18.';

create table social_graph.account_key (
    only_row    boolean not null default true,
    check_value bytea   not null,

    constraint account_key_pkey primary key (only_row),
    constraint account_key_only_row check (only_row)
);

comment on table social_graph.account_key is
    'Tells whether a process has the account key that this database was made with.';
