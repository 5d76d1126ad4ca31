//! The one public door: REST and gRPC, keys, composition.
