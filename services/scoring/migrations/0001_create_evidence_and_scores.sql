-- What the connector pushes is applied once: the id of a batch is written in the transaction that
-- applies it.
create table scoring.applied_batch (
    batch_id   uuid        not null,
    apply_time timestamptz not null default now(),

    constraint applied_batch_pkey primary key (batch_id)
);

comment on table scoring.applied_batch is
    'One row per batch whose signals are in the cells. Only ever inserted.';

-- Every account that is the subject of evidence, and who owns it. Its row is what signals and
-- memberships lock, in the order of ids, so that neither misses the other.
create table scoring.account (
    account_id bigint not null,
    network    text   not null,
    person_id  bigint,
    revision   bigint not null default 0,

    constraint account_pkey primary key (account_id)
);

comment on table scoring.account is
    'One row per account. person_id: its owner, null for a pseudonym. revision: that of social-graph, '
    'the newest wins.';

create index account_person_id on scoring.account (person_id) where person_id is not null;

create table scoring.cell (
    subject_account_id bigint   not null,
    actor_known        boolean  not null,
    actor_account_id   bigint   not null,
    kind               smallint not null,
    day                integer  not null,
    count              bigint   not null,

    constraint cell_pkey
        primary key (subject_account_id, actor_known, actor_account_id, kind, day)
);

comment on table scoring.cell is
    'How often an actor did something to a subject on a UTC day (days since 1970). Counts only grow, '
    'up to 10^18. actor_account_id is 0 where actor_known is false.';

create table scoring.post_tally (
    subject_account_id bigint   not null,
    post_hash          uuid     not null,
    kind               smallint not null,
    day                integer  not null,
    count              bigint   not null,

    constraint post_tally_pkey primary key (subject_account_id, post_hash, kind, day)
);

comment on table scoring.post_tally is
    'What of the cells belongs to which post. Counts only grow, up to 10^18.';

create table scoring.post (
    account_id bigint  not null,
    post_hash  uuid    not null,
    day        integer not null,

    constraint post_pkey primary key (account_id, post_hash)
);

comment on table scoring.post is 'One row per published post, of the earliest day that was told.';

-- A counter of an account itself has the nil UUID as its post.
create table scoring.counter (
    account_id bigint           not null,
    name       smallint         not null,
    post_hash  uuid             not null,
    read_time  timestamptz      not null,
    value      double precision not null,

    constraint counter_pkey primary key (account_id, name, post_hash)
);

comment on table scoring.counter is
    'The newest reading of each counter, and of two at one time the larger.';

create table scoring.dirty_person (
    person_id  bigint      not null,
    since_time timestamptz not null default now(),

    constraint dirty_person_pkey primary key (person_id)
);

comment on table scoring.dirty_person is
    'People whose evidence changed since they were scored. Whoever adds evidence locks the row, so '
    'that a rescore either sees the evidence or finds the person dirty again.';

-- Numbers every score that is written, so that caches and readers can tell which is newer.
create sequence scoring.score_revision;

create table scoring.score (
    person_id      bigint           not null,
    revision       bigint           not null,
    score          double precision,
    percentile     double precision,
    confidence     double precision,
    day_change     double precision,
    week_change    double precision,
    month_change   double precision,
    true_reach     double precision,
    amplification  double precision,
    network_impact double precision,
    influence      double precision,
    score_time     timestamptz      not null,
    model          text             not null,
    epoch          bigint           not null,

    constraint score_pkey primary key (person_id),
    constraint score_score_range check (score between 1 and 100),
    constraint score_percentile_range check (percentile between 0 and 100),
    constraint score_known check ((score is null) = (percentile is null))
);

comment on table scoring.score is
    'The newest score of each member. score is null for a member without evidence.';

create index score_ranking on scoring.score (score desc, person_id) where score is not null;

create table scoring.history (
    person_id      bigint           not null,
    day            integer          not null,
    model          text             not null,
    revision       bigint           not null,
    score          double precision not null,
    percentile     double precision not null,
    confidence     double precision not null,
    day_change     double precision,
    week_change    double precision,
    month_change   double precision,
    true_reach     double precision not null,
    amplification  double precision not null,
    network_impact double precision not null,
    influence      double precision not null,
    score_time     timestamptz      not null,
    epoch          bigint           not null,

    constraint history_pkey primary key (person_id, day, model)
);

comment on table scoring.history is
    'One score per member, UTC day and model. Today''s is replaced, closed days never are.';

-- Where scores stand among all others, as it was last published.
create table scoring.standing (
    only_row boolean            not null default true,
    revision bigint             not null,
    scores   double precision[] not null,

    constraint standing_pkey primary key (only_row),
    constraint standing_only_row check (only_row)
);

comment on table scoring.standing is
    'revision: no score up to this one is missing from the percentiles. scores: up to 1000 scores, '
    'evenly spread over the ranking, to place a new score until the next publication.';

insert into scoring.standing (revision, scores) values (0, '{}');
