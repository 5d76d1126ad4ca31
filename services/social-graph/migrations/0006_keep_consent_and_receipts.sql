-- Why somebody is in the state that they are in, and to what they consent: each change, in its order.
create table social_graph.consent_entry (
    person_id   bigint      not null,
    number      bigint      generated always as identity,
    create_time timestamptz not null,
    about       text        not null,
    decision    text        not null,
    caller      text        not null,
    note        text        not null,

    constraint consent_entry_pkey primary key (person_id, number),
    constraint consent_entry_about_known check (about ~ '^(state|purpose:.+|network:.+)$')
);

comment on table social_graph.consent_entry is
    'The ledger: one row per change of a state or of consent. Only ever inserted, and deleted with whoever is erased.';

-- What was written stays as it was written, whoever asks: a statement of ours that got it wrong, too. What belongs to
-- somebody who was erased, or became somebody who was, may go, as all of theirs does.
create function social_graph.keep_consent_entry() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if exists (
            select from social_graph.person_state as it
            left join social_graph.person_state as into_whom on into_whom.person_id = it.into_person_id
            where it.person_id = old.person_id and 'ERASED' in (it.state, into_whom.state)
        ) then
            return old;
        end if;
    end if;
    raise exception 'the ledger of consent is only added to'
        using errcode = 'restrict_violation', constraint = 'consent_entry_is_kept';
end
$$;

create trigger consent_entry_is_kept
    before update or delete on social_graph.consent_entry
    for each row execute function social_graph.keep_consent_entry();

create trigger consent_entry_is_not_emptied
    before truncate on social_graph.consent_entry
    for each statement execute function social_graph.keep_consent_entry();

create table social_graph.person_state_outbox (
    person_id    bigint      not null,
    consumer     text        not null,
    number       bigint      not null,
    leased_until timestamptz not null default '-infinity',
    attempts     integer     not null default 0,

    constraint person_state_outbox_pkey primary key (person_id, consumer)
);

comment on table social_graph.person_state_outbox is
    'One row per person and service until it confirms the state of that number or a newer one.';

create index person_state_outbox_leased_until on social_graph.person_state_outbox (consumer, leased_until);

create table social_graph.forgetting (
    person_id    bigint      not null,
    consumer     text        not null,
    number       bigint      not null,
    leased_until timestamptz not null default '-infinity',
    attempts     integer     not null default 0,

    constraint forgetting_pkey primary key (person_id, consumer)
);

comment on table social_graph.forgetting is
    'One row per person who was erased or opted out and service, this one too, that has not deleted yet what is to go. '
    'number: of the state that demands it.';

create index forgetting_leased_until on social_graph.forgetting (consumer, leased_until);

-- A receipt is asked for by itself, or by the person it is about when somebody asks to erase them again. It outlives
-- the person: all that it tells is a random number, names of services and counts.
create table social_graph.receipt (
    receipt_id   uuid        not null,
    person_id    bigint      not null,
    kind         text        not null,
    number       bigint      not null,
    request_time timestamptz not null,
    delete_time  timestamptz,

    constraint receipt_pkey primary key (receipt_id),
    constraint receipt_kind_known check (kind in ('ERASURE', 'OPT_OUT'))
);

comment on table social_graph.receipt is 'One row per erasure or opting out. number: of the state that it is for.';

create index receipt_person_id on social_graph.receipt (person_id, request_time);

create table social_graph.receipt_masked (
    receipt_id uuid        not null,
    service    text        not null,
    mask_time  timestamptz,

    constraint receipt_masked_pkey primary key (receipt_id, service)
);

comment on table social_graph.receipt_masked is
    'One row per receipt and service. mask_time: since when it shows nothing; null: not confirmed yet.';

create table social_graph.receipt_deleted (
    receipt_id uuid   not null,
    service    text   not null,
    name       text   not null,
    count      bigint not null,

    constraint receipt_deleted_pkey primary key (receipt_id, service, name)
);

comment on table social_graph.receipt_deleted is 'What a service deleted: how many of each kind.';

create table social_graph.receipt_already_left (
    receipt_id uuid        not null,
    caller     text        not null,
    purpose    text        not null,
    count      bigint      not null,
    last_time  timestamptz not null,

    constraint receipt_already_left_pkey primary key (receipt_id, caller, purpose)
);

comment on table social_graph.receipt_already_left is
    'Who had been told something of the person before, why, how often and when last.';

create table social_graph.suppressed_contact (
    contact_hash bytea       not null,
    kind         text        not null,
    import_time  timestamptz not null,

    constraint suppressed_contact_pkey primary key (contact_hash),
    constraint suppressed_contact_kind_known check (kind in ('email', 'phone', 'loyalty_number'))
);

comment on table social_graph.suppressed_contact is
    'One row per contact on a deletion list, hashed as contacts are: nobody is found by it or can add it.';
