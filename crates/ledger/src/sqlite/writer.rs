//! The thread that writes. It takes what has come together while the disk was busy, and commits it at once.

use super::{
    Kind, Room, SqliteError,
    answer::Sender,
    row::{from_bytes, record, time},
};
use http402_core::{
    Timestamp,
    ledger::{Applied, Expect, Full, Record, Versioned, Write},
    seam::SeamError,
};
use rusqlite::{Connection, Statement, params};
use std::sync::mpsc::Receiver;

/// How many calls one transaction takes at most: the first of them waits for the last.
const TOGETHER: usize = 1024;

/// How many records whose time has passed one call removes, when there is room anyway, and at a time when there is none.
const PURGE: usize = 8;
const PURGE_FOR_ROOM: usize = 256;

pub(super) struct Job {
    pub(super) now: Timestamp,
    pub(super) writes: Vec<Write>,
    pub(super) reply: Sender<Result<Applied, SeamError>>,
}

pub(super) struct Writer<'c> {
    connection: &'c Connection,
    room: Room,
    find: Statement<'c>,
    read: Statement<'c>,
    insert: Statement<'c>,
    update: Statement<'c>,
    update_within: Statement<'c>,
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

/// What the transaction knows besides its rows.
struct Together {
    store: Store,
    /// Up to when everything that has passed has been removed.
    swept: Option<Timestamp>,
}

/// Where a key's row is, and what a write has to know of it.
struct Row {
    id: i64,
    version: i64,
    unfinished: bool,
    end: Timestamp,
    /// Of its body.
    bytes: i64,
}

type Answer = Result<Applied, SeamError>;

/// Why a transaction was not made.
enum Broken {
    /// All of it.
    Whole(SqliteError),
    /// One of its jobs. What is wrong with it need not be the others' affair.
    One(SqliteError),
}

impl From<SqliteError> for Broken {
    fn from(error: SqliteError) -> Self {
        Self::Whole(error)
    }
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Whole(error.into())
    }
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
                "SELECT rowid, version, unfinished, keep_until, length(body) FROM record WHERE key = ?1",
            )?,
            read: connection.prepare(
                "SELECT version, phase, lease, keep_until, body FROM record WHERE rowid = ?1",
            )?,
            insert: connection.prepare(
                "INSERT INTO record (version, phase, lease, keep_until, body, unfinished, key)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?,
            // Only the indexes of columns that are named are written.
            update: connection.prepare(
                "UPDATE record SET version = ?1, phase = ?2, lease = ?3, keep_until = ?4, body = ?5, unfinished = ?6
                 WHERE rowid = ?7",
            )?,
            update_within: connection.prepare(
                "UPDATE record SET version = ?1, phase = ?2, lease = ?3, keep_until = ?4, body = ?5
                 WHERE rowid = ?6",
            )?,
            remove: connection.prepare("DELETE FROM record WHERE rowid = ?1")?,
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
            // Nobody hears of a write before it is on the disk.
            let answers = self.answers(&batch);
            for (job, answer) in batch.into_iter().zip(answers) {
                job.reply.send(answer);
            }
        }
    }

    /// Commits the jobs together; when one of them fails, each alone.
    fn answers(&mut self, batch: &[Job]) -> Vec<Answer> {
        let mut whole = match self.commit(batch) {
            Ok(answers) => return answers,
            Err(Broken::One(_)) if batch.len() > 1 => None,
            Err(Broken::One(error) | Broken::Whole(error)) => Some(error),
        };
        let alone = batch.iter().map(|job| {
            if let Some(error) = &whole {
                return Err(error.clone().into());
            }
            match self.commit(std::slice::from_ref(job)) {
                Ok(mut answers) => answers
                    .pop()
                    .unwrap_or_else(|| Err(SqliteError::new(Kind::Gone).into())),
                Err(Broken::One(error)) => Err(error.into()),
                Err(Broken::Whole(error)) => Err(whole.insert(error).clone().into()),
            }
        });
        alone.collect()
    }

    /// One transaction for all of the jobs. On an error there was none.
    fn commit(&mut self, batch: &[Job]) -> Result<Vec<Answer>, Broken> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let done = self.jobs(batch);
        let done = done.and_then(|answers| {
            self.connection.execute_batch("COMMIT")?;
            Ok(answers)
        });
        if done.is_err() && !self.connection.is_autocommit() {
            // If this fails too, the next BEGIN does, and says so.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }

    fn jobs(&mut self, batch: &[Job]) -> Result<Vec<Answer>, Broken> {
        let mut together = Together {
            store: self.store()?,
            swept: None,
        };
        let mut answers = Vec::with_capacity(batch.len());
        for job in batch {
            answers.push(match self.job(job, &mut together) {
                Ok(applied) => Ok(applied),
                Err(Failed::Full) => Err(Full.into()),
                Err(Failed::Store(error)) => return Err(Broken::One(error)),
            });
        }
        self.keep(together.store)?;
        Ok(answers)
    }

    /// Everything is checked before anything is written: neither a conflict nor a full store leaves anything to undo.
    fn job(&mut self, job: &Job, together: &mut Together) -> Result<Applied, Failed> {
        let mut rows = Vec::with_capacity(job.writes.len());
        for (index, write) in job.writes.iter().enumerate() {
            let row = self.find(write.key.as_str())?;
            let live = row.as_ref().filter(|row| row.end > job.now);
            let holds = match write.expect {
                Expect::Absent => live.is_none(),
                Expect::Version(version) => {
                    live.is_some_and(|row| u64::try_from(row.version) == Ok(version))
                }
            };
            if !holds {
                let found = live.map(|row| self.read(row.id)).transpose()?;
                return Ok(Applied::Conflict { index, found });
            }
            rows.push(row);
        }
        // What has passed goes first, so that it is not in the way of what takes its key.
        for (write, row) in job.writes.iter().zip(&mut rows) {
            if let Some(passed) = row.take_if(|row| row.end <= job.now) {
                self.remove(write.key.as_str(), &passed, &mut together.store)?;
            }
        }
        self.sweep(job.now, together)?;
        while !self.fits(&job.writes, &together.store) {
            if self.purge(job.now, PURGE_FOR_ROOM, &mut together.store)? == 0 {
                return Err(Failed::Full);
            }
        }
        let store = &mut together.store;
        let mut versions = Vec::with_capacity(job.writes.len());
        for (write, row) in job.writes.iter().zip(rows) {
            let key = write.key.as_str();
            versions.push(match (&write.put, row) {
                (None, None) => 0,
                (None, Some(row)) => {
                    self.remove(key, &row, store)?;
                    0
                }
                (Some(record), row) => self.put(key, record, row.as_ref(), store)?,
            });
        }
        Ok(Applied::Done(versions))
    }

    fn find(&mut self, key: &str) -> Result<Option<Row>, SqliteError> {
        let mut rows = self.find.query(params![key])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        Ok(Some(Row {
            id: row.get(0)?,
            version: row.get(1)?,
            unfinished: row.get(2)?,
            end: from_bytes(row.get(3)?),
            bytes: row.get(4)?,
        }))
    }

    fn read(&mut self, id: i64) -> Result<Versioned, SqliteError> {
        let mut rows = self.read.query(params![id])?;
        rows.next()?
            .map_or(Err(SqliteError::new(Kind::Unreadable)), record)
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

    fn remove(&mut self, key: &str, row: &Row, store: &mut Store) -> Result<(), SqliteError> {
        self.remove.execute(params![row.id])?;
        store.records -= 1;
        store.bytes -= size(key, 0).saturating_add(row.bytes);
        Ok(())
    }

    /// Writes the record, over the row when there is one.
    fn put(
        &mut self,
        key: &str,
        record: &Record,
        row: Option<&Row>,
        store: &mut Store,
    ) -> Result<u64, SqliteError> {
        store.version = (store.version.checked_add(1)).ok_or(SqliteError::new(Kind::Unreadable))?;
        let (version, phase) = (store.version, record.phase.number());
        let (lease, end) = (record.lease.map(time), time(record.keep_until));
        let (open, body) = (record.phase.unfinished(), record.body.as_ref());
        match row {
            None => {
                let all = params![version, phase, lease, end, body, open, key];
                self.insert.execute(all)?;
                store.records += 1;
            }
            Some(row) => {
                store.bytes -= size(key, 0).saturating_add(row.bytes);
                if row.unfinished == open {
                    let all = params![version, phase, lease, end, body, row.id];
                    self.update_within.execute(all)?;
                } else {
                    let all = params![version, phase, lease, end, body, open, row.id];
                    self.update.execute(all)?;
                }
            }
        }
        store.bytes = store.bytes.saturating_add(size(key, body.len()));
        u64::try_from(version).map_err(|_| SqliteError::new(Kind::Unreadable))
    }

    /// Removes a little of what has passed, unless the transaction has removed all of it.
    fn sweep(&mut self, now: Timestamp, together: &mut Together) -> Result<(), SqliteError> {
        if together.swept.is_none_or(|swept| swept < now)
            && self.purge(now, PURGE, &mut together.store)? < PURGE
        {
            together.swept = Some(now);
        }
        Ok(())
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
