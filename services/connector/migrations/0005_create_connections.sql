-- Accounts that are asked for on their networks, again and again. All of it hangs on the account, which has one
-- connection at most: by it, everything can be spread over machines, and goes when the account goes.
create table connector.connection (
    account_id     bigint      not null,
    person_id      bigint      not null,
    network        text        not null,
    native_id      text        not null,
    handle         text,
    public_url     text        not null,
    own_url        text,
    method         text        not null,
    state          text        not null default 'ACTIVE',
    mode           text        not null default 'BACKFILL',
    create_time    timestamptz not null,
    visit          integer     not null default 1,
    visit_time     timestamptz not null,
    sync_time      timestamptz,
    next_time      timestamptz not null,
    error_reason   text,
    error_message  text,
    error_time     timestamptz,
    error_task     bigint,
    requests       bigint      not null default 0,
    requests_done  bigint      not null default 0,
    signals        bigint      not null default 0,
    waiting        integer     not null default 0,
    whole_time     timestamptz,

    constraint connection_pkey primary key (account_id),
    constraint connection_state check (state in ('ACTIVE', 'FAILING', 'NEEDS_ACCESS', 'GONE')),
    constraint connection_mode check (mode in ('BACKFILL', 'INCREMENTAL', 'IDLE'))
);

comment on table connector.connection is
    'One row per account that is asked for. public_url, own_url: whom to ask, without access and with it. visit: how '
    'often all there is was looked at, the current time included; it began at visit_time. sync_time: when the last one '
    'that saw all began. next_time: when the next one begins. error_…: what came in the way last, of which request; it '
    'goes when that one is answered, and with the next visit. waiting: how many rows of connector.task there are. '
    'whole_time: when the last visit began that read again what seemed not to have changed; null: the next one does.';

-- People list theirs.
create index connection_person_id on connector.connection (person_id, account_id);

-- Who is due, among those for whom nothing is being done.
create index connection_next_time on connector.connection (next_time) where mode = 'IDLE';

-- Requests that are still to be made. What an answer yields, the signals and the requests that follow, is written in one
-- transaction with the end of the request, so nothing is lost or done twice whatever is killed.
create table connector.task (
    account_id   bigint      not null,
    task_id      bigint      not null generated always as identity,
    host         text        not null,
    content      text        not null,
    part         integer     not null default 0,
    seen_item    uuid,
    seen_value   text,
    due_time     timestamptz not null,
    leased_until timestamptz not null default '-infinity',
    attempts     integer     not null default 0,

    constraint task_pkey primary key (account_id, task_id)
);

comment on table connector.task is
    'One row per request that is due or waits. content: the network''s own JSON. part: how many parts of the same list '
    'came before. seen_…: what is noted in connector.seen when the last part was read.';

create index task_due_time on connector.task (due_time);

-- How fast each host may be asked, over all replicas, and for how long not at all.
create table connector.host (
    host          text        not null,
    free_time     timestamptz not null default '-infinity',
    blocked_until timestamptz not null default '-infinity',
    failures      integer     not null default 0,

    constraint host_pkey primary key (host)
);

comment on table connector.host is
    'One row per host that was asked. free_time: when the next request may be made. blocked_until: until when it asked us '
    'to wait, or is left alone because it failed. failures: in a row.';

-- What a list held when it was read: what is not in it any more is taken back. Nothing but hashes.
create table connector.listed (
    account_id bigint   not null,
    listing    uuid     not null,
    signal_id  uuid     not null,
    sent_id    uuid     not null,
    under      uuid,
    post       uuid,
    visit      integer  not null,
    day        integer  not null,
    round      smallint not null default 0,
    gone       boolean  not null default false,

    constraint listed_pkey primary key (account_id, listing, signal_id)
);

comment on table connector.listed is
    'One row per signal of a list. sent_id: the identity that it was taken in by. under: the post that the list is about. post: the post that the signal tells of. visit: '
    'the last one that saw it. day: of the signal, since 1970: what is before the window is told no more. round: how often it had gone and came again, which its id then tells.';

create index listed_under on connector.listed (account_id, under) where under is not null;

-- What something was like when it was read whole: what has not changed is not read again.
create table connector.seen (
    account_id bigint not null,
    item       uuid   not null,
    value      text   not null,

    constraint seen_pkey primary key (account_id, item)
);

comment on table connector.seen is
    'One row per thing about an account that was read whole. item: a hash of its name. value: as its network says it, such '
    'as how many likes a post has.';

-- What an address was answered with: asked again with it, whoever is asked answers nothing if it is still so.
create table connector.validator (
    account_id    bigint not null,
    address       uuid   not null,
    etag          text,
    last_modified text,

    constraint validator_pkey primary key (account_id, address)
);

comment on table connector.validator is
    'One row per address that is asked whether its answer has changed. address: a hash of it.';

-- Access that people gave. Encrypted with a key that is not in the database.
create table connector.credential (
    account_id       bigint      not null,
    sealed           bytea       not null,
    key_id           text        not null,
    expire_time      timestamptz,
    refreshing_until timestamptz not null default '-infinity',

    constraint credential_pkey primary key (account_id)
);

comment on table connector.credential is
    'One row per connection that has access of its own. sealed: encrypted for this account alone. key_id: by which key. '
    'refreshing_until: whoever gets new access has until then, so that one does.';

-- By which key: after a change of keys, what is there is encrypted again.
create index credential_key_id on connector.credential (key_id);

-- Where each server has to know us before anybody can give us access to it.
create table connector.registration (
    server    text        not null,
    client_id text        not null,
    sealed    bytea       not null,
    key_id    text        not null,
    made_time timestamptz not null,

    constraint registration_pkey primary key (server)
);

comment on table connector.registration is
    'One row per server that we are registered with as an application. sealed: its secret, encrypted.';
