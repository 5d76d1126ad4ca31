//! Takes signals in, keeps their log, and pushes them to their consumers.
