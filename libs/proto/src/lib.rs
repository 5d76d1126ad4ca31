//! The contracts of `proto/` as Rust.
//!
//! Generated code, the descriptors, canonical JSON, and the conversions between wire and model:
//! `TryFrom` from the wire, which can fail, and `From` the model, which cannot.

pub mod convert;
pub mod json;
pub mod people;
pub mod revision;

/// `klout.signal.v1`: what happened on a network, normalised.
pub mod signal {
    pub mod v1 {
        tonic::include_proto!("klout.signal.v1");
    }
}

/// `klout.score.v1`: influence, and how it came about.
pub mod score {
    #[expect(clippy::large_enum_variant, reason = "generated: a row is a score or a status")]
    pub mod v1 {
        tonic::include_proto!("klout.score.v1");
    }
}

/// `klout.graph.v1`: who somebody is, and who reacts to whom.
pub mod graph {
    #[expect(clippy::large_enum_variant, reason = "generated: a row is a person or a status")]
    pub mod v1 {
        tonic::include_proto!("klout.graph.v1");
    }
}

/// `klout.topic.v1`: what somebody is influential about.
pub mod topic {
    pub mod v1 {
        tonic::include_proto!("klout.topic.v1");
    }
}

/// `klout.perk.v1`: what brands offer to whom.
pub mod perk {
    pub mod v1 {
        tonic::include_proto!("klout.perk.v1");
    }
}

/// `klout.profile.v1`: the public view of a person.
pub mod profile {
    pub mod v1 {
        tonic::include_proto!("klout.profile.v1");
    }
}

/// The largest batch of signals that a consumer takes, in bytes. What is taken in with one call of up to
/// 4 MiB grows when it is hashed, and with what it takes back.
pub const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Every contract with its imports and comments, as an encoded `FileDescriptorSet`.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
