-- Models become data: which of them makes scores is a row that passes read, no longer what a binary was built
-- with, so that all replicas go over to another one with the same epoch. There are a handful of rows for
-- ever; what was made by a model names it, so that none that ever served is taken away.
create table scoring.model (
    name          text        not null,
    checksum      text        not null,
    numbers       text        not null,
    state         text        not null,
    announce_time timestamptz,
    serve_time    timestamptz,
    shadow_epoch  bigint,
    add_time      timestamptz not null default now(),

    constraint model_pkey primary key (name),
    constraint model_state check (
        state in ('SHADOW', 'ANNOUNCED', 'SERVING', 'RETIRED', 'WITHDRAWN')
    ),
    constraint model_announced check ((state = 'ANNOUNCED') = (announce_time is not null))
);

comment on table scoring.model is
    'One row per model that makes scores, made some, or may. checksum and numbers (the model file) are '
    'empty for one of before they were kept. announce_time: from when on it shall serve. serve_time: since '
    'when it serves, or served last. shadow_epoch: the last epoch in which a pass scored everybody by it in '
    'shadow; null: none did, or its shadow scores are taken away. A WITHDRAWN one is kept until they are.';

-- Two that serve would take turns from pass to pass; that there is one is held here, not in code that
-- replicas of two versions run side by side.
create unique index model_serving on scoring.model ((true)) where state = 'SERVING';

-- Scores by the models in shadow, and by them only: what everybody reads stays one narrow row a person.
-- The person comes first as in every large table, so that it lies where the person's score does and the
-- two are compared without moving rows. No foreign key to the model: it would be looked up for every
-- person of every pass; a loop takes away what nobody reads any more, step by step.
create table scoring.shadow_score (
    person_id  bigint           not null,
    model      text             not null,
    score      double precision,
    influence  double precision,
    epoch      bigint           not null,
    score_time timestamptz      not null,
    serving_score double precision,

    constraint shadow_score_pkey primary key (person_id, model),
    constraint shadow_score_range check (score between 1 and 100)
);

comment on table scoring.shadow_score is
    'One row per member and model in shadow. score is null for a member without evidence. serving_score: '
    'of the same evidence, by the model that served. A row of an '
    'epoch before the model''s shadow_epoch is of somebody whom no pass has met since.';

-- Each pass writes every row anew, and no index but the key needs to know.
alter table scoring.shadow_score set (fillfactor = 70);
