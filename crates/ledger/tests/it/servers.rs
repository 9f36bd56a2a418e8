//! Real servers on loopback: those that run, or ones of our own.
//!
//! `HTTP402_TEST_POSTGRES` and `HTTP402_TEST_REDIS` name others. Each test has a schema or a name of its own, and takes it away.

use http402_ledger::{Postgres, Redis, postgres::tokio_postgres, remote::RemoteError};
use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// The runtime that the tests' connections live on.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// A name that no other test has, in this process or another.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("t{}_{count}", std::process::id())
}

/// Says why there is no server: a failure where one has to be, as in CI.
fn missing(what: &str) {
    let why = format!(
        "NO {what} HERE: neither one that runs nor its programs; what needs it was not tested"
    );
    assert!(std::env::var_os("CI").is_none(), "{why}");
    let _ = writeln!(std::io::stderr(), "{why}");
}

/// A program that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    /// What it keeps.
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was, with what it had kept.
    pub(crate) fn start_redis(&mut self, more: &[&str]) {
        self.child = redis_server(self.port, self.folder.path(), more);
        await_port(self.port);
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn await_port(port: u16) {
    let end = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "a server of our own does not answer");
        thread::sleep(Duration::from_millis(20));
    }
}

fn redis_server(port: u16, folder: &Path, more: &[&str]) -> Child {
    Command::new("redis-server")
        .args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--port",
            &port.to_string(),
        ])
        .arg("--dir")
        .arg(folder)
        .args(more)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A Redis of the test's own, with these arguments; `None` when the program is not there.
pub(crate) fn own_redis(more: &[&str]) -> Option<Server> {
    let there = Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        missing("REDIS");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let child = redis_server(port, folder.path(), more);
    let server = Server {
        child,
        port,
        folder,
    };
    await_port(port);
    Some(server)
}

/// The Redis that the tests share.
pub(crate) fn redis() -> Option<String> {
    static OWN: OnceLock<Option<Server>> = OnceLock::new();
    if let Ok(address) = std::env::var("HTTP402_TEST_REDIS") {
        return Some(address);
    }
    if TcpStream::connect("127.0.0.1:6379").is_ok() {
        return Some("redis://127.0.0.1:6379".into());
    }
    let own = OWN.get_or_init(|| own_redis(&[])).as_ref()?;
    Some(format!("redis://127.0.0.1:{}", own.port))
}

/// Where Debian and others have the programs of PostgreSQL.
fn postgres_programs() -> Option<PathBuf> {
    let found = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<_> = found.map(|entry| entry.path().join("bin")).collect();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH")?));
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").exists())
}

/// A PostgreSQL of the test's own; `None` when the programs are not there, or will not run as this user.
pub(crate) fn own_postgres() -> Option<Server> {
    let programs = postgres_programs();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = programs.as_ref().is_some_and(|programs| {
        let mut command = Command::new(programs.join("initdb"));
        command
            .args(["--auth=trust", "--no-sync", "-U", "postgres", "-D"])
            .arg(&data);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    });
    let Some(programs) = programs.filter(|_| made) else {
        // It does not run as root.
        missing("POSTGRESQL");
        return None;
    };
    let port = free_port();
    let child = Command::new(programs.join("postgres"))
        .arg("-D")
        .arg(&data)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server {
        child,
        port,
        folder,
    };
    await_port(port);
    Some(server)
}

/// The PostgreSQL that the tests share.
pub(crate) fn postgres() -> Option<String> {
    static OWN: OnceLock<Option<Server>> = OnceLock::new();
    if let Ok(address) = std::env::var("HTTP402_TEST_POSTGRES") {
        return Some(address);
    }
    if TcpStream::connect("127.0.0.1:5432").is_ok() {
        return Some("postgres://postgres@127.0.0.1:5432/postgres".into());
    }
    let own = OWN.get_or_init(own_postgres).as_ref()?;
    Some(format!(
        "postgres://postgres@127.0.0.1:{}/postgres",
        own.port
    ))
}

/// A name in Redis that is emptied when the test ends.
pub(crate) struct RedisName {
    pub(crate) address: String,
    pub(crate) name: String,
}

impl RedisName {
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            address: redis()?,
            name: unique(),
        })
    }

    pub(crate) fn builder(&self) -> http402_ledger::redis::Builder {
        Redis::builder().name(&self.name).survive_restart(false)
    }

    pub(crate) fn open(&self) -> Redis {
        self.with(self.builder()).unwrap()
    }

    pub(crate) fn with(
        &self,
        builder: http402_ledger::redis::Builder,
    ) -> Result<Redis, RemoteError> {
        runtime().block_on(builder.connect(&*self.address))
    }

    pub(crate) fn connection(&self) -> redis::Connection {
        redis::Client::open(&*self.address)
            .unwrap()
            .get_connection()
            .unwrap()
    }
}

impl Drop for RedisName {
    fn drop(&mut self) {
        let mut connection = self.connection();
        let keys = redis::cmd("KEYS")
            .arg(format!("{{{}}}:*", self.name))
            .query(&mut connection);
        let keys: Vec<String> = keys.unwrap_or_default();
        if !keys.is_empty() {
            let _ = redis::cmd("DEL").arg(keys).query::<()>(&mut connection);
        }
    }
}

/// A schema in PostgreSQL that is dropped when the test ends.
pub(crate) struct PostgresSchema {
    pub(crate) address: String,
    pub(crate) schema: String,
}

impl PostgresSchema {
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            address: postgres()?,
            schema: unique(),
        })
    }

    pub(crate) fn builder(&self) -> http402_ledger::postgres::Builder {
        Postgres::builder().schema(&self.schema)
    }

    pub(crate) fn open(&self) -> Postgres {
        self.with(self.builder()).unwrap()
    }

    pub(crate) fn with(
        &self,
        builder: http402_ledger::postgres::Builder,
    ) -> Result<Postgres, RemoteError> {
        runtime().block_on(builder.connect(&self.address))
    }

    /// Runs statements on a connection of its own.
    pub(crate) fn execute(&self, text: &str) -> Result<(), tokio_postgres::Error> {
        runtime().block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&self.address, tokio_postgres::NoTls).await?;
            let running = tokio::spawn(connection);
            let done = client.batch_execute(text).await;
            drop(client);
            let _ = running.await;
            done
        })
    }
}

impl Drop for PostgresSchema {
    fn drop(&mut self) {
        let _ = self.execute(&format!("DROP SCHEMA IF EXISTS {} CASCADE", self.schema));
    }
}
