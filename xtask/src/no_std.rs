//! Proof that http402-core needs no std: a program without std that links it and calls it.
//!
//! A package that brought std in would bring its panic handler too, and the program has one of its own: two do not link.

use crate::shell::{Done, cargo, program, root, run};
use std::fs;

const MANIFEST: &str = r#"[package]
name = "without-std"
version = "0.0.0"
edition = "2024"

[dependencies]
http402-core = { path = "CORE", default-features = false }

[profile.release]
panic = "abort"
opt-level = "s"

[workspace]
"#;

/// The allocator hands out a fixed room and takes nothing back: the program ends soon.
const PROGRAM: &str = r#"#![no_std]
#![no_main]
extern crate alloc;
use core::{alloc::{GlobalAlloc, Layout}, sync::atomic::{AtomicUsize, Ordering}};

#[repr(align(64))]
struct Room(core::cell::UnsafeCell<[u8; ROOM]>);
unsafe impl Sync for Room {}
const ROOM: usize = 1 << 20;
static AREA: Room = Room(core::cell::UnsafeCell::new([0; ROOM]));
static USED: AtomicUsize = AtomicUsize::new(0);
struct Bump;
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size() + layout.align();
        let at = USED.fetch_add(size, Ordering::Relaxed);
        if at + size > ROOM { return core::ptr::null_mut(); }
        let start = AREA.0.get() as usize + at;
        let aligned = (start + layout.align() - 1) & !(layout.align() - 1);
        (AREA.0.get() as *mut u8).wrapping_add(aligned - AREA.0.get() as usize)
    }
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
#[global_allocator]
static BUMP: Bump = Bump;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }

// The alloc crate that comes with the toolchain is built to unwind.
#[unsafe(no_mangle)]
pub extern "C" fn rust_eh_personality() {}
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
pub extern "C" fn _Unwind_Resume() -> ! { loop {} }

#[link(name = "c")]
unsafe extern "C" {}

#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    let amount = http402_core::Amount::from_money("$0.01", 6);
    let json = http402_core::json::Document::parse("{\"a\":[1,\"two\"]}");
    let chain: Result<http402_core::ChainId, _> = "eip155:8453".parse();
    let assets = http402_core::asset::Assets::known();
    let priced = chain.ok().and_then(|chain| assets.of_chain(&chain).cloned());
    let right = amount == Ok(http402_core::Amount::from_units(http402_core::U256::from(10_000u64)))
        && json.is_ok()
        && priced.is_some_and(|asset| asset.price("$0.01", "0x209693Bc6afc0C5328bA36FaF03C514EF312287C").is_ok());
    if right { 0 } else { 1 }
}
"#;

pub(crate) fn check() -> Done {
    let target = root().join("target");
    let home = target.join("without-std");
    let core = root().join("crates/core");
    let write = |path: &str, text: &str| {
        let path = home.join(path);
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(home.join("src")).map_err(|error| error.to_string())?;
    write(
        "Cargo.toml",
        &MANIFEST.replace("CORE", &core.to_string_lossy()),
    )?;
    write("src/main.rs", PROGRAM)?;
    let lock = root().join("Cargo.lock");
    fs::copy(lock, home.join("Cargo.lock")).map_err(|error| error.to_string())?;
    let mut build = cargo();
    build
        .current_dir(&home)
        .args(["build", "--release", "--quiet", "--target-dir"]);
    run(build
        .arg(target.join("without-std-build"))
        .env("RUSTFLAGS", "-C panic=abort"))?;
    let built = target.join("without-std-build/release/without-std");
    run(&mut program(&built.to_string_lossy()))?;
    println!("  http402-core runs in a program without std");
    Ok(())
}
