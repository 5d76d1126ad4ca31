//! Will say what a person is influential about.
