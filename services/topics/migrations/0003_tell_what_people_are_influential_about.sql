-- Everything below is found by who it is about: the account that evidence is of, or the person. An account and
-- its person live apart, so no foreign key leads from one to the other.

create table topics.account (
    account_id    bigint      not null,
    network       text        not null,
    person_id     bigint,
    revision      bigint      not null default 0,
    country       text        not null default '',
    city          text        not null default '',
    waiting_since timestamptz not null default now(),

    constraint account_pkey primary key (account_id)
);

comment on table topics.account is
    'Accounts that evidence is of, with the person who owns each and the revision at which that was so; null: '
    'nobody is known to. What is of nobody waits for an owner since waiting_since and is dropped within hours.';

create index account_by_person on topics.account (person_id) where person_id is not null;
create index account_waiting on topics.account (waiting_since) where person_id is null;

-- Whoever owns what was kept so far is asked about at once.
insert into topics.account (account_id, network, waiting_since)
select distinct account_id, '', '-infinity'::timestamptz from topics.post;

alter table topics.post add column read_generation bigint not null default 0;

comment on column topics.post.read_generation is
    'The generation of the ontology that its topics were read with. 0: it was not read yet; -1: it is to be read '
    'again, since what is known of its author is another. Only posts that somebody owns are read.';

create index post_to_read on topics.post (read_generation, account_id) where owned;

-- What is old is found without looking at what is not: by a b-tree, as pages that were freed take new days, which
-- would widen ranges of a BRIN index for ever.
create index post_by_day on topics.post (day);

-- The newest of an account.
create index post_newest on topics.post (account_id, day desc, post_hash, signal) where told > 0;

create table topics.post_topic (
    account_id bigint  not null,
    post_hash  uuid    not null,
    signal     bigint  not null,
    topic_id   bigint  not null,
    weight     real    not null,
    alone      real    not null,
    words      text[]  not null,

    constraint post_topic_pkey primary key (account_id, post_hash, signal, topic_id)
);

comment on table topics.post_topic is
    'What posts are about. weight: above 0 and at most 1, or 0 when the author''s other topics say that it is not '
    'about it; alone: the same by its words alone. Made from topics.post with the ontology in use.';

-- Who writes about a topic is found for suggestions.
create index post_topic_by_topic on topics.post_topic (topic_id, account_id, post_hash) where weight > 0;

create table topics.reaction (
    account_id bigint      not null,
    post_hash  uuid        not null,
    actor_id   bigint      not null,
    kind       smallint    not null,
    day        integer     not null,
    count      bigint      not null,
    take_time  timestamptz not null default now(),

    constraint reaction_pkey primary key (account_id, post_hash, actor_id, kind, day)
);

comment on table topics.reaction is
    'What was done about the posts of an account, or to itself where the post is the nil UUID. actor_id: who did; '
    '0: the network does not tell, which no hash of an account is. count: how often, less what was taken back.';

-- The newest that was done about an account: with the count, so that the index alone answers.
create index reaction_newest on topics.reaction (account_id, day desc, post_hash, actor_id, kind) include (count);

-- Whom somebody reacts to.
create index reaction_by_actor on topics.reaction (actor_id, account_id) where actor_id <> 0;

create index reaction_by_day on topics.reaction (day);

create table topics.label (
    account_id bigint      not null,
    signal     bigint      not null,
    actor_id   bigint      not null,
    kind       smallint    not null,
    day        integer     not null,
    count      bigint      not null,
    told       bigint      not null,
    label      text,
    take_time  timestamptz not null default now(),

    constraint label_pkey primary key (account_id, signal)
);

comment on table topics.label is
    'What others called the owner of an account: lists, endorsements, +K. told: how often it was told, less how '
    'often it was taken back; above zero it is there, else it has no words.';

create index label_by_day on topics.label (day);

create table topics.person (
    person_id    bigint      not null,
    country      text        not null default '',
    city         text        not null default '',
    known_for    bigint[]    not null default '{}',
    compute_time timestamptz,

    constraint person_pkey primary key (person_id)
);

comment on table topics.person is
    'Members. Whoever writes what a person has to do with topics holds this row. known_for: what the posts of the '
    'person are about by their words alone, which helps to tell what a word means; as of the last pass.';

create table topics.dirty_person (
    position   bigint      generated always as identity,
    person_id  bigint      not null,
    since_time timestamptz not null default now(),

    constraint dirty_person_pkey primary key (position)
);

comment on table topics.dirty_person is
    'People whose topics are to be computed again, a row a change: nobody waits for anybody to add one.';

create index dirty_person_by_person on topics.dirty_person (person_id);

create table topics.claim (
    person_id  bigint      not null,
    claim      uuid        not null,
    position   bigint      not null,
    since_time timestamptz not null,
    lapse_time timestamptz not null,

    constraint claim_pkey primary key (person_id)
);

comment on table topics.claim is
    'People whose topics somebody computes right now. position, since_time: of the first of their rows that were '
    'taken off the list. What lapses is taken up by somebody else, and only who holds '
    'the claim may write.';

create table topics.person_topic (
    person_id    bigint           not null,
    topic_id     bigint           not null,
    network      text             not null,
    written      double precision not null,
    reacted      double precision not null,
    said         double precision not null,
    influencers  double precision not null,
    strength     double precision not null,
    score        double precision not null,
    base_score   double precision,
    people       integer          not null,
    posts        integer          not null,
    direct       boolean          not null,
    mostly       bigint           not null,
    shown        boolean          not null,
    rank         bigint,
    percentile   double precision,
    country      text             not null,
    city         text             not null,
    words        text[]           not null default '{}',
    compute_time timestamptz      not null,

    constraint person_topic_pkey primary key (person_id, topic_id, network)
);

comment on table topics.person_topic is
    'What people have to do with topics, by network; the empty one is all of them. Never what somebody vetoed. '
    'base_score: the score without what their influencers are known for, when it would be shown. country and '
    'city: as experts are looked for by them, the city in lower case. words: what says so, the strongest first; '
    'only of all networks.';

create index person_topic_experts on topics.person_topic (topic_id, network, score desc, person_id)
    where shown;
create index person_topic_experts_by_country
    on topics.person_topic (topic_id, network, country, score desc, person_id)
    where shown and country <> '';
create index person_topic_experts_by_city
    on topics.person_topic (topic_id, network, country, city, score desc, person_id)
    where shown and city <> '';

create table topics.declared (
    person_id   bigint   not null,
    edition_id  bigint   not null default 0,
    topic_id    bigint   not null,
    stand_in    boolean  not null default false,
    position    integer  not null,
    influencers bigint[] not null,

    constraint declared_pkey primary key (person_id, edition_id, topic_id)
);

comment on table topics.declared is
    'What people say they want to be known for. edition_id: 0 when the ontology in use has the topic, else the '
    'edition that has it, and it waits for another one that does. stand_in: what a waiting one was part of.';

create table topics.veto (
    person_id  bigint      not null,
    edition_id bigint      not null default 0,
    topic_id   bigint      not null,
    veto_time  timestamptz not null default now(),

    constraint veto_pkey primary key (person_id, edition_id, topic_id)
);

comment on table topics.veto is
    'What people say is wrong of them. edition_id: as in topics.declared.';

create table topics.edition (
    edition_id  bigint      generated always as identity,
    ontology    text        not null,
    edition     text        not null,
    checksum    text        not null,
    topics      integer     not null,
    content     bytea       not null,
    import_time timestamptz not null default now(),

    constraint edition_pkey primary key (edition_id),
    constraint edition_name unique (ontology, edition)
);

comment on table topics.edition is
    'Ontologies that were taken in. Only ever inserted: what people said is moved from any of them to any other.';

create table topics.ontology_in_use (
    one        boolean not null default true,
    edition_id bigint  not null,
    generation bigint  not null,

    constraint ontology_in_use_pkey primary key (one),
    constraint ontology_in_use_one check (one)
);

comment on table topics.ontology_in_use is
    'The edition in use. generation: how often another one was put to use. Whoever writes what rests on the '
    'edition holds a lock for the time.';

create table topics.moved_topic (
    topic_id    bigint not null,
    to_topic_id bigint not null,

    constraint moved_topic_pkey primary key (topic_id)
);

comment on table topics.moved_topic is
    'Topics that were in use and are not any more, with the one that took their place.';

create table topics.pass (
    pass_id    bigint      generated always as identity,
    day        integer     not null,
    epoch      bigint      not null,
    generation bigint      not null,
    stage      smallint    not null default 0,
    up_to      bigint      not null default 0,
    begin_time timestamptz not null default now(),
    end_time   timestamptz,

    constraint pass_pkey primary key (pass_id)
);

comment on table topics.pass is
    'Passes over everybody, with the UTC day, the epoch of scoring and the generation of the ontology that each '
    'was made for. stage 0: to begin; 1: what people''s posts are about by themselves; 2: posts are read '
    'again whose author is known for something else; 3: what people are influential about. up_to: the last row of '
    'topics.dirty_person that the stage waits for.';

create unique index pass_going_on on topics.pass ((true)) where end_time is null;

create table topics.dirty_topic (
    position bigint generated always as identity,
    topic_id bigint not null,

    constraint dirty_topic_pkey primary key (position)
);

comment on table topics.dirty_topic is
    'Topics in which ranks are to be told again, a row a change.';

create table topics.topic_standing (
    topic_id      bigint           not null,
    people        bigint           not null,
    work_seconds  double precision not null,
    renew_time    timestamptz      not null default now(),

    constraint topic_standing_pkey primary key (topic_id)
);

comment on table topics.topic_standing is
    'How many people are influential on a topic, and how long it took to rank them.';

create table topics.related_topic (
    topic_id   bigint           not null,
    related_id bigint           not null,
    strength   double precision not null,

    constraint related_topic_pkey primary key (topic_id, related_id)
);

comment on table topics.related_topic is
    'Topics that people of a topic are influential on more often than others.';
