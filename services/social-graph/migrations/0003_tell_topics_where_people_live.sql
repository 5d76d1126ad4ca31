-- What people say of themselves.
alter table social_graph.person
    add column country text not null default '',
    add column city    text not null default '',
    add constraint person_country_form check (country ~ '^([A-Z]{2})?$'),
    add constraint person_city_in_country check (city = '' or country <> '');

comment on column social_graph.person.country is
    'Where the person says to live: ISO 3166-1 alpha-2, empty when that is not told.';

-- Topics is told who owns what as scoring is, each at its own pace: a row for each of them. The constraint keeps
-- its name, and rows are for scoring unless they say otherwise, as processes of the version before write them.
--
-- Such a process takes all rows for scoring's while it runs beside this version: it may tell scoring what was
-- meant for topics, which changes nothing there, and forget the row; and it tells topics nothing of accounts that
-- are linked through it. Topics asks by itself who owns the accounts that it has waiting (BatchGetMemberships),
-- so what it was not told of it finds out there.
alter table social_graph.membership_outbox
    add column consumer text not null default 'scoring',
    drop constraint membership_outbox_pkey,
    add constraint membership_outbox_pkey primary key (account_id, consumer);

drop index social_graph.membership_outbox_leased_until;
create index membership_outbox_leased_until
    on social_graph.membership_outbox (consumer, leased_until);

comment on table social_graph.membership_outbox is
    'One row per account and consumer (scoring, topics) until it confirms the owner of that revision or a '
    'newer one.';

-- Topics has heard of nobody yet.
insert into social_graph.membership_outbox (account_id, consumer, revision)
select account_id, 'topics', revision from social_graph.account;
