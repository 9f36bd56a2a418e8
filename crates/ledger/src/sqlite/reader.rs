//! The thread that reads. It sees every write that was answered before the question was asked.

use super::{
    SqliteError,
    answer::Sender,
    row::{record, time},
};
use http402_core::{
    Timestamp,
    ledger::{Key, Page, Versioned},
};
use rusqlite::{Connection, Statement, params};
use std::sync::mpsc::Receiver;

pub(super) enum Question {
    Get {
        now: Timestamp,
        key: Key,
        reply: Sender<Result<Option<Versioned>, SqliteError>>,
    },
    Pending {
        now: Timestamp,
        prefix: Box<str>,
        cursor: Option<Key>,
        limit: usize,
        reply: Sender<Result<Page, SqliteError>>,
    },
}

pub(super) struct Reader<'c> {
    get: Statement<'c>,
    pending: Statement<'c>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(connection: &'c Connection) -> Result<Self, SqliteError> {
        connection.pragma_update(None, "query_only", true)?;
        Ok(Self {
            get: connection.prepare(
                "SELECT version, phase, lease, keep_until, body FROM record
                 WHERE key = ?1 AND keep_until > ?2",
            )?,
            // The order of TEXT is that of its bytes, as in Rust. The prefix is compared here: LIKE has wildcards.
            pending: connection.prepare(
                "SELECT version, phase, lease, keep_until, body, key FROM record
                 WHERE unfinished = 1 AND key >= ?1 AND keep_until > ?2 ORDER BY key",
            )?,
        })
    }

    pub(super) fn run(mut self, questions: &Receiver<Question>) {
        for question in questions {
            match question {
                Question::Get { now, key, reply } => reply.send(self.get(now, &key)),
                Question::Pending {
                    now,
                    prefix,
                    cursor,
                    limit,
                    reply,
                } => reply.send(self.pending(now, &prefix, cursor.as_ref(), limit)),
            }
        }
    }

    fn get(&mut self, now: Timestamp, key: &Key) -> Result<Option<Versioned>, SqliteError> {
        let mut rows = self.get.query(params![key.as_str(), time(now)])?;
        rows.next()?.map(record).transpose()
    }

    fn pending(
        &mut self,
        now: Timestamp,
        prefix: &str,
        cursor: Option<&Key>,
        limit: usize,
    ) -> Result<Page, SqliteError> {
        let from = cursor.map_or(prefix, Key::as_str).max(prefix);
        let mut rows = self.pending.query(params![from, time(now)])?;
        let mut page = Page::default();
        while let Some(row) = rows.next()? {
            let key: String = row.get(5)?;
            if !key.starts_with(prefix) {
                break;
            }
            if cursor.is_some_and(|cursor| cursor.as_str() == key) {
                continue;
            }
            if page.records.len() >= limit {
                page.next = page.records.last().map(|(key, _)| key.clone());
                break;
            }
            page.records.push((Key::new(key), record(row)?));
        }
        Ok(page)
    }
}
