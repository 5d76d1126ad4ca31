-- The list of dirty people becomes a queue: whoever adds evidence adds a row and waits for nobody, where
-- a row a person made every batch that touched somebody famous wait for the rescore of the one before.
-- A row is seen when its evidence is, so a rescore that takes it reads the evidence. The version before
-- goes on working: to it, each row is a person's.
alter table scoring.dirty_person add column position bigint generated always as identity;
alter table scoring.dirty_person drop constraint dirty_person_pkey;
alter table scoring.dirty_person
    add constraint dirty_person_pkey primary key (person_id, position);

create index dirty_person_position on scoring.dirty_person (position);

comment on table scoring.dirty_person is
    'One row per person and change of evidence since they were scored; the lowest position is due first.';
