//! Will say what influence earns.
