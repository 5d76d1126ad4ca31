-- A process that serves scores from its memory or from Redis holds a lease: while it does, it hears of
-- every change, and whoever has to be sure that nobody serves something any more waits for the leases.
create table scoring.replica (
    replica_id   uuid        not null,
    leased_until timestamptz not null,

    constraint replica_pkey primary key (replica_id)
);

comment on table scoring.replica is
    'One row per process that serves cached scores. By the clock of this server.';

-- All keys in Redis have this number. It is raised when Redis could not be told of a change, so that what
-- it then still has is never read again. A table of its own: publications and rescores lock the standing.
create table scoring.cache_generation (
    only_row   boolean not null default true,
    generation bigint  not null,

    constraint cache_generation_pkey primary key (only_row),
    constraint cache_generation_only_row check (only_row)
);

comment on table scoring.cache_generation is
    'Raised when what Redis has may be older than what is here.';

insert into scoring.cache_generation (generation) values (0);
