comment on schema perks is 'What is offered to whom. Nothing yet.';
