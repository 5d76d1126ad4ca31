-- Most networks hold capitals in a handle for the same as small letters, and whoever asks writes them as they like.
create index account_handle_caseless on social_graph.account (network, lower(handle collate "C"));
