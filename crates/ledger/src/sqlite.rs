//! A ledger in one SQLite file, shared by the processes of one machine.

mod answer;
mod error;
mod file;
mod reader;
mod row;
mod writer;

pub use error::{Kind, SqliteError};

use crate::room::{PATIENCE, QUEUE, Room};
use answer::{Receiver, Sender};
use http402_core::{
    Timestamp,
    ledger::{Applied, Key, Ledger, Page, Versioned, Write},
    seam::{Boxed, SeamError},
};
use reader::{Question, Reader};
use std::{
    fmt,
    path::Path,
    sync::mpsc::{self, SyncSender},
    thread::{self, JoinHandle},
    time::Duration,
};
use writer::{Job, Writer};

/// A ledger in a SQLite file.
///
/// An answer that something was written is given after it is on the disk, and holds after a crash of the process and after a
/// loss of power. Several processes of one machine can use the same file; on a network file system SQLite's locks do
/// not hold. Two threads do the work, so no executor is blocked, and calls that come together are committed together.
///
/// A future that is dropped after its first poll may have written all the same.
///
/// Dropping it finishes what is queued and closes the file, which takes as long as the disk does.
pub struct Sqlite {
    jobs: Option<SyncSender<Job>>,
    questions: Option<SyncSender<Question>>,
    reader: Option<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
}

/// How a file is opened.
#[derive(Clone, Debug)]
pub struct Builder {
    room: Room,
    patience: Duration,
    power_safe: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            room: Room::DEFAULT,
            patience: PATIENCE,
            power_safe: true,
        }
    }
}

impl Builder {
    /// How many records it may hold (default 1 000 000), those included whose time has passed and which are not removed yet.
    /// A full ledger refuses new keys with [`Full`](http402_core::ledger::Full) and evicts nothing live.
    #[must_use]
    pub const fn max_records(mut self, records: u64) -> Self {
        self.room.records = records;
        self
    }

    /// How many bytes keys and bodies may have together (default 4 GiB). The file is larger.
    #[must_use]
    pub const fn max_bytes(mut self, bytes: u64) -> Self {
        self.room.bytes = bytes;
        self
    }

    /// How long to wait for other processes that write (default 5 s).
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whether a write is answered only when it survives a loss of power (default true; SQLite's `synchronous = FULL`).
    ///
    /// Without it the last writes may be forgotten: a reservation that is forgotten is granted a second time, and an attempt
    /// that is forgotten is paid a second time. Processes that crash lose nothing either way.
    #[must_use]
    pub const fn survive_power_loss(mut self, yes: bool) -> Self {
        self.power_safe = yes;
        self
    }

    /// Opens the file, or makes it. It blocks while it does.
    ///
    /// On Unix a new file can be read by its owner alone. The mode of one that is there is left as it is.
    ///
    /// # Errors
    /// When the file can not be opened, is not a ledger, or is one of a later version.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Sqlite, SqliteError> {
        let path = path.as_ref();
        let (write, read) = (file::open(path, &self)?, file::open(path, &self)?);
        let room = self.room;
        let (jobs, next_job) = mpsc::sync_channel(QUEUE);
        let (questions, next_question) = mpsc::sync_channel(QUEUE);
        let mut ledger = Sqlite {
            jobs: Some(jobs),
            questions: Some(questions),
            reader: None,
            writer: None,
        };
        // When the second thread can not be made, dropping `ledger` ends the first.
        ledger.writer = Some(start("ledger-writer", move |ready| {
            match Writer::new(&write, room) {
                Ok(writer) => {
                    let _ = ready.send(Ok(()));
                    writer.run(&next_job);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        })?);
        ledger.reader = Some(start("ledger-reader", move |ready| {
            match Reader::new(&read) {
                Ok(reader) => {
                    let _ = ready.send(Ok(()));
                    reader.run(&next_question);
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        })?);
        Ok(ledger)
    }
}

/// Starts a thread and waits until it says that it is ready.
fn start(
    name: &str,
    run: impl FnOnce(mpsc::Sender<Result<(), SqliteError>>) + Send + 'static,
) -> Result<JoinHandle<()>, SqliteError> {
    let (ready, state) = mpsc::channel();
    let thread = thread::Builder::new()
        .name(name.into())
        .spawn(move || run(ready))
        .map_err(SqliteError::file)?;
    match state.recv() {
        Ok(Ok(())) => Ok(thread),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(SqliteError::new(Kind::Gone)),
    }
}

impl Sqlite {
    /// Opens a file with the defaults of [`Builder`].
    ///
    /// # Errors
    /// As [`Builder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::builder().open(path)
    }

    /// How a file is opened.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

/// Asks a thread, and waits for its answer.
async fn ask<Q, T>(
    thread: Option<&SyncSender<Q>>,
    question: impl FnOnce(Sender<T>) -> Q,
) -> Result<T, SqliteError> {
    let (reply, answer): (_, Receiver<T>) = answer::channel();
    let Some(thread) = thread else {
        return Err(SqliteError::new(Kind::Gone));
    };
    if let Err(error) = thread.try_send(question(reply)) {
        return Err(SqliteError::new(match error {
            mpsc::TrySendError::Full(_) => Kind::Overloaded,
            mpsc::TrySendError::Disconnected(_) => Kind::Gone,
        }));
    }
    let answer = answer.receive().await;
    answer.ok_or(SqliteError::new(Kind::Gone))
}

impl Ledger for Sqlite {
    fn apply<'a>(
        &'a self,
        now: Timestamp,
        writes: &'a [Write],
    ) -> Boxed<'a, Result<Applied, SeamError>> {
        Box::pin(async move {
            crate::check(writes)?;
            ask(self.jobs.as_ref(), |reply| Job {
                now,
                writes: writes.to_vec(),
                reply,
            })
            .await?
        })
    }

    fn get<'a>(
        &'a self,
        now: Timestamp,
        key: &'a Key,
    ) -> Boxed<'a, Result<Option<Versioned>, SeamError>> {
        Box::pin(async move {
            let found = ask(self.questions.as_ref(), |reply| Question::Get {
                now,
                key: key.clone(),
                reply,
            });
            Ok(found.await??)
        })
    }

    fn pending<'a>(
        &'a self,
        now: Timestamp,
        prefix: &'a str,
        cursor: Option<&'a Key>,
        limit: usize,
    ) -> Boxed<'a, Result<Page, SeamError>> {
        Box::pin(async move {
            let page = ask(self.questions.as_ref(), |reply| Question::Pending {
                now,
                prefix: prefix.into(),
                cursor: cursor.cloned(),
                limit,
                reply,
            });
            Ok(page.await??)
        })
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // The writer is the last to close the file: that is when SQLite folds the log into it.
        drop(self.questions.take());
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        drop(self.jobs.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}
