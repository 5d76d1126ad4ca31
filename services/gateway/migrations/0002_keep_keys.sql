-- Keys of customers. Of a secret only its hash is kept: whoever reads this database, or a backup of it, can call with none.
--
-- Rows are few, as there are customers, and are read by the id that each key carries. A row is never deleted: usage and
-- the log of look-ups name it.
create table gateway.key (
    key              text        not null,
    name             text        not null,
    purpose          text        not null,
    scopes           text[]      not null,
    calls_per_second bigint      not null,
    calls_per_day    bigint      not null,
    create_time      timestamptz not null,
    expire_time      timestamptz,
    revoke_time      timestamptz,

    constraint key_pkey primary key (key),
    constraint key_name_short check (octet_length(name) between 1 and 128),
    constraint key_purpose_short check (octet_length(purpose) between 1 and 128),
    constraint key_limits_positive check (calls_per_second >= 0 and calls_per_day >= 0)
);

comment on table gateway.key is
    'One row per key of a customer. key is the middle part of what the customer shows. A limit of 0 is none.';

-- Two that are in use are never called alike, so that a name in a log means one key.
create unique index key_name_in_use on gateway.key (name) where revoke_time is null;

-- How they are listed.
create index key_listed on gateway.key (name, create_time, key);

-- The secrets of a key: one, or two while it is rotated. The hash is that of 256 random bits, which nobody can try out, so
-- that it needs no salt and no slow function.
create table gateway.key_secret (
    key         text        not null,
    hash        bytea       not null,
    ending      text        not null,
    create_time timestamptz not null,
    expire_time timestamptz,

    constraint key_secret_pkey primary key (key, hash),
    constraint key_secret_key_fkey foreign key (key) references gateway.key (key),
    constraint key_secret_hash_whole check (octet_length(hash) = 32)
);

comment on table gateway.key_secret is
    'One row per secret of a key. hash: BLAKE3 of the secret. expire_time: null as long as the key is valid.';

create table gateway.key_usage (
    key   text   not null,
    day   date   not null,
    calls bigint not null,

    constraint key_usage_pkey primary key (key, day)
);

comment on table gateway.key_usage is
    'One row per key and UTC day on which it was used: how many calls were let in. Gateways add to it every few seconds.';

-- What keys the check of ids, made once for each installation: whoever guesses ids is told so without a look here.
create table gateway.id_check (
    is_only boolean not null default true,
    secret  bytea   not null,

    constraint id_check_pkey primary key (is_only),
    constraint id_check_one check (is_only)
);

comment on table gateway.id_check is
    'One row: the secret by which a gateway tells an id that was made here from one that somebody made up.';

insert into gateway.id_check (secret)
values (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
