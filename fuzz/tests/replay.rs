//! The corpus, and thousands of its mutations, on stable Rust.

use http402_fuzz::TARGETS;
use std::{fs, path::PathBuf};

/// How many mutations of each file are tried.
const MUTATIONS: u64 = 2000;

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// Xorshift: the same numbers on every machine.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (below.max(1) as u64)).unwrap_or(0)
    }
}

/// Bytes that parsers care about.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u0061",
    b"null",
    b"0",
    b"-",
    b"1e9",
    b".",
    b" ",
    b"\0",
    b"\xff",
    b"=",
    b"0x",
    b"$",
    b"true",
    b"\"x402Version\":2,",
    b"99999999999999999999",
];

fn mutated(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for _ in 0..=numbers.next(3) {
        let at = numbers.next(out.len() + 1);
        match numbers.next(5) {
            0 if at < out.len() => out[at] ^= 1 << numbers.next(8),
            1 if at < out.len() => {
                out.remove(at);
            }
            2 => out.truncate(at),
            3 => {
                let end = (at + numbers.next(40)).min(out.len());
                let again = out[at.min(end)..end].to_vec();
                out.splice(at..at, again);
            }
            _ => {
                let piece = PIECES[numbers.next(PIECES.len())];
                out.splice(at..at, piece.iter().copied());
            }
        }
    }
    out
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
            let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ files);
            for _ in 0..MUTATIONS {
                target(&mutated(&bytes, &mut numbers));
            }
        }
        assert!(files >= 3, "{name} has {files} files");
        target(b"");
    }
}
