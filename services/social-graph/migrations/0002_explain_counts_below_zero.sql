comment on table social_graph.edge is
    'How often an actor reacted to a subject on a UTC day (days since 1970), over all kinds, up to 10^18. '
    'count is below zero while of a reaction only the taking back has arrived.';
