//! A chain of development for as long as the demo runs.

use crate::runtime::Fault;
use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Under this number the development chain has what sellers and buyers of the test network expect.
pub(super) const CHAIN: u64 = 42_431;
/// How long it may take to start.
const START: Duration = Duration::from_secs(60);

const MISSING: &str = "\
--tempo needs anvil 1.7 or later, and there is none in the PATH. It comes with Foundry (https://getfoundry.sh), or from npm:
  npm install --prefix ./anvil @foundry-rs/anvil@1.7.1
  PATH=$PWD/anvil/node_modules/.bin:$PATH http402 demo --tempo";

/// The process, and where it answers. It ends with this value.
pub(super) struct Anvil {
    process: Process,
    pub(super) url: String,
}

/// A process, and those that it has started itself: npm's `anvil` is a script that starts the real one.
struct Process(Child);

impl Process {
    fn kill(&self) {
        #[cfg(unix)]
        if let Some(group) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            use rustix::process::{Pid, Signal, kill_process_group};
            // Whoever is gone already need not be told.
            let _ = Pid::from_raw(group).map(|group| kill_process_group(group, Signal::KILL));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Anvil {
    /// Starts the one that is in the PATH.
    pub(super) async fn start() -> Result<Self, Fault> {
        let program = env::var_os("PATH").as_deref().and_then(find);
        Self::run(&program.ok_or(MISSING)?).await
    }

    async fn run(program: &Path) -> Result<Self, Fault> {
        let number = CHAIN.to_string();
        let mut command = Command::new(program);
        command
            .args(["--host", "127.0.0.1", "--port", "0"])
            .args(["--network", "tempo", "--hardfork", "T3"])
            .args(["--chain-id", &number])
            // Calls are judged at the time of the last block, and a payment's window is short.
            .args(["--block-time", "1", "--mixed-mining"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let here = |error: io::Error| format!("{}: {error}", program.display());
        let mut process = Process(command.spawn().map_err(here)?);
        match timeout(START, listening(&mut process.0)).await {
            Ok(Ok(Some(url))) => Ok(Self { process, url }),
            Ok(Ok(None)) => Err(ended(program, process).await.into()),
            Ok(Err(error)) => Err(here(error).into()),
            Err(_) => Err(format!("{} does not listen", program.display()).into()),
        }
    }

    /// Ends it, and waits until it is gone.
    pub(super) async fn stop(mut self) -> io::Result<()> {
        self.process.kill();
        self.process.0.kill().await
    }
}

/// What it says of where it listens; `None` when it ends without. What it says afterwards is read and thrown away.
async fn listening(child: &mut Child) -> io::Result<Option<String>> {
    let Some(said) = child.stdout.take() else {
        return Ok(None);
    };
    let mut lines = BufReader::new(said).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.trim().strip_prefix("Listening on ") {
            let url = format!("http://{address}");
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(Some(url));
        }
    }
    Ok(None)
}

/// Why it ended before it listened.
async fn ended(program: &Path, mut process: Process) -> String {
    let mut why = String::new();
    if let Some(said) = process.0.stderr.take() {
        // Whatever can not be read is not told.
        let _ = said.take(4096).read_to_string(&mut why).await;
    }
    let status = match process.0.wait().await {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    let name = program.display();
    format!(
        "{name} ended before it listened ({status}): a chain of Tempo needs anvil 1.7 or later\n{}",
        why.trim()
    )
}

/// The first `anvil` of these folders.
fn find(folders: &OsStr) -> Option<PathBuf> {
    let name = format!("anvil{}", env::consts::EXE_SUFFIX);
    env::split_paths(folders)
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}
