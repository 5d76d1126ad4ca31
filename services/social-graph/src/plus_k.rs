//! Members vouch for members on a topic: what +K means.

pub(crate) mod rules;
