-- A post that is told of two days and taken back on one of them has to end the same in any order: a row a
-- post and day, of which the earliest that is still told counts.
alter table scoring.post drop constraint post_pkey;
alter table scoring.post add constraint post_pkey primary key (account_id, post_hash, day);

comment on table scoring.post is
    'One row per published post and day that was told of it; the earliest with told above zero counts. '
    'told: as in cell.';
comment on table scoring.post_tally is
    'What of the cells belongs to which post, up to 10^18; below zero while only the taking back has '
    'arrived.';

-- Whoever waits for scores asks often whether everybody is scored as of today. The day that everybody was
-- put on the list for answers that without a look at every score.
alter table scoring.standing add column day integer;

comment on table scoring.standing is
    'revision: no score up to this one is missing from the percentiles. scores: up to 1000 scores, '
    'evenly spread over the ranking, to place a new score until the next publication. day: the UTC day '
    '(since 1970) that was gone over to last.';
