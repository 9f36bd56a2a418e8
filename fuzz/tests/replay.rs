//! The corpus, and thousands of its mutations, on stable Rust.

use http402_fuzz::{
    TARGETS,
    mutate::{Numbers, mutated},
};
use std::{fs, path::PathBuf};

/// How many mutations of each file are tried.
const MUTATIONS: u64 = 2000;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let mut folders: Vec<_> = fs::read_dir(corpus())
        .expect("there is a corpus")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let mut targets: Vec<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    folders.sort();
    targets.sort();
    assert_eq!(folders, targets);
}

#[test]
fn nothing_is_found_in_the_corpus_and_around_it() {
    for (name, target) in TARGETS {
        let mut files = 0_u64;
        for entry in fs::read_dir(corpus().join(name))
            .expect("a corpus")
            .flatten()
        {
            let bytes = fs::read(entry.path()).expect("a file");
            target(&bytes);
            files += 1;
            let mut numbers = Numbers::new(0x9e37_79b9_7f4a_7c15 ^ files);
            for _ in 0..MUTATIONS {
                target(&mutated(&bytes, &mut numbers));
            }
        }
        assert!(files >= 3, "{name} has {files} files");
        target(b"");
    }
}
