-- How it was shown that an account is its owner's, and since when it is called what it is called.
alter table social_graph.account
    add column proof text not null default 'OPERATOR',
    add column handle_since timestamptz,
    add constraint account_proof_known check (proof in ('OPERATOR', 'CHALLENGE', 'REL_ME', 'OAUTH'));

update social_graph.account set handle_since = handle_time;
-- Processes of the version before write no such column: then it is called so since it was called so last.
comment on column social_graph.account.handle_since is
    'When the account was first called its handle, as far as is known. Null: at handle_time.';

create index person_merged_into on social_graph.person (merged_into) where merged_into is not null;

-- Those who are told who owns what are told that nobody does any more. Nothing else is kept of such an account.
create table social_graph.released_account (
    account_id bigint not null,
    network    text   not null,
    revision   bigint not null default nextval('social_graph.membership_revision'),

    constraint released_account_pkey primary key (account_id)
);

comment on table social_graph.released_account is
    'One row per account that a person had and nobody has. Gone when somebody links it.';

-- What it is called now stands with the account: a row is written when that changes, which is rare.
create table social_graph.handle_use (
    account_id bigint      not null,
    since_time timestamptz not null,
    handle     text        not null,
    until_time timestamptz not null,

    constraint handle_use_pkey primary key (account_id, since_time, handle)
);

comment on table social_graph.handle_use is
    'What accounts of members were called before. Goes with the account.';

create table social_graph.contact (
    contact_hash bytea      not null,
    kind        text        not null,
    key_version integer     not null,
    person_id   bigint      not null,
    add_time    timestamptz not null,

    constraint contact_pkey primary key (contact_hash),
    constraint contact_kind_known check (kind in ('email', 'phone', 'loyalty_number')),
    constraint contact_hash_length check (octet_length(contact_hash) = 32)
);

comment on table social_graph.contact is
    'What people are found by. contact_hash: the SHA-256 of the contact, hashed by as many of the keys, one after the other, as '
    'key_version says. The keys are not in the database.';

create index contact_person_id on social_graph.contact (person_id);
create index contact_key_version on social_graph.contact (key_version);

create table social_graph.dispute (
    dispute_id         bigint      not null generated always as identity,
    account_id         bigint      not null,
    tag                bytea       not null,
    network            text        not null,
    native_id          text        not null,
    handle             text        not null,
    owner_person_id    bigint      not null,
    claimant_person_id bigint      not null,
    proof              text        not null,
    create_time        timestamptz not null,
    settled_for        bigint,

    constraint dispute_pkey primary key (dispute_id)
);

comment on table social_graph.dispute is
    'Accounts whose owner somebody else showed to be theirs. settled_for: whose it is; null: nobody has said.';

-- Who claims again has one dispute.
create unique index dispute_open on social_graph.dispute (account_id, claimant_person_id)
    where settled_for is null;
create index dispute_owner on social_graph.dispute (owner_person_id);
create index dispute_claimant on social_graph.dispute (claimant_person_id);

-- A link that was started is kept by whoever started it, signed; of one that was completed is kept that it was.
create table social_graph.used_link (
    link        bytea       not null,
    expire_time timestamptz not null,

    constraint used_link_pkey primary key (link)
);

comment on table social_graph.used_link is 'Links that were completed, until they would have run out.';

create index used_link_expire_time on social_graph.used_link (expire_time);
