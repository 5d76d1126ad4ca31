//! Compiles `proto/` with protox, so that no `protoc` has to be installed.

use std::{error::Error, fs, path::PathBuf};

use prost::Message as _;
use protox::file::{
    ChainFileResolver, DescriptorSetFileResolver, GoogleFileResolver, IncludeFileResolver,
};
use tonic_prost_build::FileDescriptorSet;

/// The packages there are, by their folder.
const PACKAGES: [&str; 6] = ["signal", "score", "graph", "topic", "perk", "profile"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());

    let mut resolver = ChainFileResolver::new();
    resolver.add(IncludeFileResolver::new(root.clone()));
    resolver.add(GoogleFileResolver::new());
    resolver.add(DescriptorSetFileResolver::decode(google_rpc()?.as_slice())?);

    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_imports(true).include_source_info(true);
    for package in PACKAGES {
        let folder = PathBuf::from(format!("klout/{package}/v1"));
        let entries = fs::read_dir(root.join(&folder))?;
        let mut files: Vec<_> =
            entries.map(|entry| Ok(entry?.file_name())).collect::<Result<_, std::io::Error>>()?;
        files.sort();
        for file in files {
            compiler.open_file(folder.join(file))?;
        }
    }
    // Errors carry these in their details; canonical JSON has to know them.
    compiler.open_file("google/rpc/error_details.proto")?;

    #[expect(clippy::disallowed_methods, reason = "how cargo talks to build scripts")]
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    // It is hundreds of times as long as what may stand in its place.
    config.boxed(".klout.perk.v1.PreviewCampaignRequest.subject.spec");
    tonic_prost_build::configure()
        .generate_default_stubs(true)
        .extern_path(".google.rpc", "::tonic_types::pb")
        .compile_fds_with_config(compiler.file_descriptor_set(), config)?;
    Ok(())
}

/// `google/rpc/*.proto` under the names that everybody imports them by; tonic-types has them
/// without their folder.
fn google_rpc() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut files = FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET)?;
    for file in &mut files.file {
        if file.package() == "google.rpc" {
            file.name = Some(format!("google/rpc/{}", file.name()));
        }
    }
    Ok(files.encode_to_vec())
}
