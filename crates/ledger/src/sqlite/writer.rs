//! The thread that writes. It takes what has come together while the disk was busy, and commits it at once.

use super::{
    Kind, SqliteError,
    answer::Sender,
    row::{record, time},
};
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Full, Record, Versioned, Write},
    seam::SeamError,
};
use rusqlite::{Connection, Statement, params};
use std::sync::mpsc::Receiver;

/// How many calls one transaction takes at most: the first of them waits for the last.
const TOGETHER: usize = 128;

/// How many records whose time has passed one call removes, when there is room anyway, and at a time when there is none.
const PURGE: usize = 8;
const PURGE_FOR_ROOM: usize = 256;

pub(super) struct Job {
    pub(super) now: Timestamp,
    pub(super) writes: Vec<Write>,
    pub(super) reply: Sender<Result<Applied, SeamError>>,
}

/// How much the file may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

pub(super) struct Writer<'c> {
    connection: &'c Connection,
    room: Room,
    find: Statement<'c>,
    put: Statement<'c>,
    remove: Statement<'c>,
    expired: Statement<'c>,
    load: Statement<'c>,
    save: Statement<'c>,
}

/// The row of the table `store`.
#[derive(Clone, Copy)]
struct Store {
    /// One count for all keys: no version comes twice, whatever was removed, in whatever process.
    version: i64,
    records: i64,
    bytes: i64,
}

/// What a row is counted as.
fn size(key: &str, body: usize) -> i64 {
    i64::try_from(key.len() + body).unwrap_or(i64::MAX)
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection, room: Room) -> Result<Self, SqliteError> {
        Ok(Self {
            connection,
            room,
            find: connection.prepare(
                "SELECT version, phase, lease, keep_until, body FROM record WHERE key = ?1",
            )?,
            put: connection.prepare(
                "INSERT INTO record (key, version, phase, unfinished, lease, keep_until, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            remove: connection
                .prepare("DELETE FROM record WHERE key = ?1 RETURNING length(body)")?,
            expired: connection.prepare(
                "DELETE FROM record WHERE rowid IN
                     (SELECT rowid FROM record WHERE keep_until <= ?1 ORDER BY keep_until LIMIT ?2)
                 RETURNING octet_length(key) + length(body)",
            )?,
            load: connection.prepare("SELECT version, records, bytes FROM store")?,
            save: connection.prepare("UPDATE store SET version = ?1, records = ?2, bytes = ?3")?,
        })
    }

    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            batch.extend(jobs.try_iter().take(TOGETHER - 1));
            let done = self.commit(&batch);
            if done.is_err() && !self.connection.is_autocommit() {
                // If this fails too, the next BEGIN does, and says so.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            // Nobody hears of a write before it is on the disk.
            match done {
                Ok(answers) => {
                    for (job, answer) in batch.into_iter().zip(answers) {
                        job.reply.send(answer);
                    }
                }
                Err(error) => {
                    for job in batch {
                        job.reply.send(Err(error.clone().into()));
                    }
                }
            }
        }
    }

    /// One transaction for all of the jobs, in which each has a savepoint of its own.
    fn commit(&mut self, batch: &[Job]) -> Result<Vec<Result<Applied, SeamError>>, SqliteError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut answers = Vec::with_capacity(batch.len());
        for job in batch {
            self.connection.execute_batch("SAVEPOINT job")?;
            let answer = self.job(job);
            if let Err(Failed::Store(error)) = &answer {
                if self.connection.is_autocommit() {
                    // SQLite has rolled the whole transaction back.
                    return Err(error.clone());
                }
                self.connection.execute_batch("ROLLBACK TO job")?;
            }
            self.connection.execute_batch("RELEASE job")?;
            answers.push(answer.map_err(|failed| match failed {
                Failed::Full => Full.into(),
                Failed::Store(error) => error.into(),
            }));
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(answers)
    }

    /// Everything is checked before anything is written: neither a conflict nor a full store leaves anything to undo.
    fn job(&mut self, job: &Job) -> Result<Applied, Failed> {
        for (index, write) in job.writes.iter().enumerate() {
            let found = self.live(job.now, write.key.as_str())?;
            let holds = match write.expect {
                Expect::Absent => found.is_none(),
                Expect::Version(version) => {
                    found.as_ref().is_some_and(|found| found.version == version)
                }
            };
            if !holds {
                return Ok(Applied::Conflict { index, found });
            }
        }
        let mut store = self.store()?;
        self.purge(job.now, PURGE, &mut store)?;
        while !self.fits(&job.writes, &store) {
            if self.purge(job.now, PURGE_FOR_ROOM, &mut store)? == 0 {
                self.keep(store)?;
                return Err(Failed::Full);
            }
        }
        let mut versions = Vec::with_capacity(job.writes.len());
        for write in &job.writes {
            let key = write.key.as_str();
            self.remove(key, &mut store)?;
            versions.push(match &write.put {
                None => 0,
                Some(record) => self.put(key, record, &mut store)?,
            });
        }
        self.keep(store)?;
        Ok(Applied::Done(versions))
    }

    fn live(&mut self, now: Timestamp, key: &str) -> Result<Option<Versioned>, SqliteError> {
        let mut rows = self.find.query(params![key])?;
        let found = rows.next()?.map(record).transpose()?;
        Ok(found.filter(|found| found.record.keep_until > now))
    }

    /// Whether there is room for what is new. A write to a record that is there always fits: an outcome must not be lost for
    /// want of room.
    fn fits(&self, writes: &[Write], store: &Store) -> bool {
        let (mut records, mut bytes, mut new) = (store.records, store.bytes, false);
        for write in writes {
            if let (Expect::Absent, Some(record)) = (write.expect, &write.put) {
                records = records.saturating_add(1);
                bytes = bytes.saturating_add(size(write.key.as_str(), record.body.len()));
                new = true;
            }
        }
        let within = |is: i64, most: u64| u64::try_from(is).is_ok_and(|is| is <= most);
        !new || (within(records, self.room.records) && within(bytes, self.room.bytes))
    }

    fn remove(&mut self, key: &str, store: &mut Store) -> Result<(), SqliteError> {
        let mut rows = self.remove.query(params![key])?;
        while let Some(row) = rows.next()? {
            let body: i64 = row.get(0)?;
            store.records -= 1;
            store.bytes -= size(key, 0).saturating_add(body);
        }
        Ok(())
    }

    fn put(&mut self, key: &str, record: &Record, store: &mut Store) -> Result<u64, SqliteError> {
        store.version = (store.version.checked_add(1)).ok_or(SqliteError::new(Kind::Unreadable))?;
        self.put.execute(params![
            key,
            store.version,
            record.phase.number(),
            record.phase.unfinished(),
            record.lease.map(time),
            time(record.keep_until),
            &*record.body,
        ])?;
        store.records += 1;
        store.bytes = store.bytes.saturating_add(size(key, record.body.len()));
        u64::try_from(store.version).map_err(|_| SqliteError::new(Kind::Unreadable))
    }

    /// Removes some of what has passed. How many.
    fn purge(
        &mut self,
        now: Timestamp,
        most: usize,
        store: &mut Store,
    ) -> Result<usize, SqliteError> {
        let mut rows = self
            .expired
            .query(params![time(now), i64::try_from(most).unwrap_or(i64::MAX)])?;
        let mut removed = 0;
        while let Some(row) = rows.next()? {
            let bytes: i64 = row.get(0)?;
            store.records -= 1;
            store.bytes -= bytes;
            removed += 1;
        }
        Ok(removed)
    }

    fn store(&mut self) -> Result<Store, SqliteError> {
        Ok(self.load.query_row([], |row| {
            Ok(Store {
                version: row.get(0)?,
                records: row.get(1)?,
                bytes: row.get(2)?,
            })
        })?)
    }

    fn keep(&mut self, store: Store) -> Result<(), SqliteError> {
        self.save
            .execute(params![store.version, store.records, store.bytes])?;
        Ok(())
    }
}

enum Failed {
    Full,
    Store(SqliteError),
}

impl From<SqliteError> for Failed {
    fn from(error: SqliteError) -> Self {
        Self::Store(error)
    }
}
