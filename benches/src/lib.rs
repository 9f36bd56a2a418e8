//! Benchmarks: `cargo bench -p http402-benches`. They are read as ratios to a reference of the same run.
