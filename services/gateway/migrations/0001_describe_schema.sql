comment on schema gateway is
    'What the gateway keeps for itself. Nothing yet: tokens are verified in memory.';
