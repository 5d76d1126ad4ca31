//! Knows people, their accounts, and who reacts to whom.
