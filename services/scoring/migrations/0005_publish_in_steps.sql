-- A publication becomes many short transactions, so that nobody waits for it. Of several processes one
-- publishes at a time: it takes the next number, and holds it for as long as it goes on saying so.
-- The version before goes on working: it publishes at once under a lock, which a publication in steps
-- notices by `revision` and gives way to.
alter table scoring.standing add column publication bigint not null default 0;
alter table scoring.standing
    add column publishing_until timestamptz not null default '-infinity';

comment on table scoring.standing is
    'revision: no score up to this one is missing from the percentiles. scores: up to 1000 scores, '
    'evenly spread over the ranking, to place a new score until the next publication. day: the UTC day '
    '(since 1970) that was gone over to last. publication: the number of the publication that goes on '
    'until publishing_until, or was the last.';

-- Nearly every row gets another percentile with each publication, which no index needs to know when the
-- new version fits on the page of the old one.
alter table scoring.score set (fillfactor = 70);
