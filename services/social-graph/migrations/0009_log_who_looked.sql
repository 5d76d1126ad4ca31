-- Lies beside the people whom it is about: docs/adr/0013-the-log-of-look-ups-lies-in-social-graph.md.
create table social_graph.lookup (
    person_id  bigint      not null,
    day        integer     not null,
    caller     text        not null,
    purpose    text        not null,
    what       text        not null,
    count      bigint      not null,
    first_time timestamptz not null,
    last_time  timestamptz not null,

    constraint lookup_pkey primary key (person_id, day, caller, purpose, what),
    constraint lookup_count_positive check (count > 0)
);

comment on table social_graph.lookup is
    'Who looked at whom, and why: one row per person, UTC day (since 1970), caller, purpose of its key and kind of '
    'what was seen.';

-- For the loop that forgets what is old.
create index lookup_day on social_graph.lookup (day);

create table social_graph.lookup_batch (
    number     bigint      not null generated always as identity,
    day        integer     not null,
    caller     text        not null,
    purpose    text        not null,
    what       text        not null,
    first_time timestamptz not null,
    last_time  timestamptz not null,
    person_ids bigint[]    not null,
    counts     bigint[]    not null,

    constraint lookup_batch_pkey primary key (number),
    constraint lookup_batch_counts check (cardinality(person_ids) = cardinality(counts))
);

comment on table social_graph.lookup_batch is
    'Look-ups as they came, many to a row. Folded into lookup soon, where the same people looked at again and again '
    'are one row: a row of that costs a hundred times as much to write.';

-- They are deleted within a minute; packing them takes longer than writing them.
alter table social_graph.lookup_batch
    alter column person_ids set storage external,
    alter column counts set storage external;
