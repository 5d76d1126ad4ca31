-- How long a batch has waited is what tells a consumer that is behind from one that is busy. Writers of the
-- version before name no time, and get this one; so do the rows that are there already.
alter table connector.outbox add column added_time timestamptz not null default now();
