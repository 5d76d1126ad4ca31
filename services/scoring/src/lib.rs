//! Turns cells into scores, and answers what they are and were.
