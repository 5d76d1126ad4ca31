comment on schema topics is 'What people are influential about. Nothing yet.';
