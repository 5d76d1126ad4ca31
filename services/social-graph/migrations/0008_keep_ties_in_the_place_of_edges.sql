-- Who influences whom: a row for each pair of accounts, so that a list is a range of an index, of accounts of any
-- size.
create table social_graph.tie (
    subject_account_id bigint           not null,
    actor_account_id   bigint           not null,
    strength           double precision not null,
    reactions          bigint           not null,
    last_day           integer          not null,

    constraint tie_pkey primary key (subject_account_id, actor_account_id)
);

comment on table social_graph.tie is
    'What an actor did to a subject. strength: the sum of count x weight x 2^((day - 2026-01-01) / 15), in fixed '
    'steps (src/strength.rs), so that the order of ties does not change as time passes. reactions: how many, below '
    'zero while of one only the taking back has arrived. last_day: the newest day (since 1970) that was told of, '
    'also of what was taken back.';

-- With the tie-break in the index, a page begins where the one before ended.
create index tie_subject_strength on social_graph.tie (subject_account_id, strength, actor_account_id);
create index tie_actor_strength on social_graph.tie (actor_account_id, strength, subject_account_id);

-- What is there is of no known kind, and weighs what a like does. That is mended by time: in 90 days it is gone.
create function social_graph.strength_of_likes(likes bigint, day integer) returns double precision
language sql immutable
return likes * 10.0::double precision
    * (array[256, 268, 281, 294, 308, 323, 338, 354, 371, 388, 406, 426, 446, 467, 489])
        [1 + mod(mod(day - 20454, 15) + 15, 15)] / 256.0::double precision
    * power(2.0::double precision, least(greatest(floor((day - 20454) / 15.0), -900), 900)::double precision);

-- Processes of the version before write until here: what they commit while we wait is seen by the statement below.
lock table social_graph.edge in access exclusive mode;

insert into social_graph.tie (subject_account_id, actor_account_id, strength, reactions, last_day)
select subject_account_id, actor_account_id, sum(social_graph.strength_of_likes(count, day)),
    greatest(least(sum(count), 1000000000000000000), -1000000000000000000)::bigint, max(day)
from social_graph.edge
group by subject_account_id, actor_account_id;

-- Nothing of this version reads or writes edges. Processes of the version before go on writing them while they run
-- beside it: what they write becomes ties at once, weighed as likes, in their own transactions.
truncate social_graph.edge;

create function social_graph.tie_of_edge() returns trigger
language plpgsql as $$
declare
    added bigint := new.count;
begin
    if tg_op = 'UPDATE' then
        added := new.count - old.count;
    end if;
    insert into social_graph.tie as tie (subject_account_id, actor_account_id, strength, reactions, last_day)
    values (
        new.subject_account_id, new.actor_account_id, social_graph.strength_of_likes(added, new.day), added, new.day
    )
    on conflict on constraint tie_pkey do update
    set strength = tie.strength + excluded.strength,
        reactions = greatest(
            least(tie.reactions + excluded.reactions, 1000000000000000000), -1000000000000000000
        ),
        last_day = greatest(tie.last_day, excluded.last_day);
    return null;
end
$$;

create trigger edge_becomes_tie after insert or update on social_graph.edge
    for each row execute function social_graph.tie_of_edge();

comment on table social_graph.edge is
    'What processes of the version before write, until they are gone. Nobody reads it; the sweep empties it.';
