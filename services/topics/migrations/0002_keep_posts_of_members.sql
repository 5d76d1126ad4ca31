-- What the connector pushes is applied once: the id of a batch is written in the transaction that
-- applies it.
create table topics.applied_batch (
    batch_id   uuid        not null,
    apply_time timestamptz not null default now(),

    constraint applied_batch_pkey primary key (batch_id)
);

comment on table topics.applied_batch is
    'One row per batch whose posts are here. Only ever inserted.';

create table topics.post (
    account_id bigint      not null,
    post_hash  uuid        not null,
    signal     bigint      not null,
    day        integer     not null,
    told       bigint      not null,
    text       text,
    links      text[]      not null,
    tags       text[]      not null,
    owned      boolean     not null default false,
    take_time  timestamptz not null default now(),

    constraint post_pkey primary key (account_id, post_hash, signal)
);

comment on table topics.post is
    'What members published, a row a signal that told of it, such as each edition of a post. told: how often '
    'it was told, less how often it was taken back; above zero it is there, else it has no text. owned: a '
    'member is known to own the account; what nobody owns is dropped within hours.';

create index post_unowned on topics.post (take_time) where not owned;
