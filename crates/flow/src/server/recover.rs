use crate::server::{
    drive::{Ask, Done, settle},
    entry::Entry,
    events::Event,
    gate::Gate,
    state::{Found, Provisional, Seen},
    till::Seams,
};
use http402_core::{
    ledger::{Applied, Expect, Key, Phase, Record, Versioned, Write},
    seam::SeamError,
};

/// What a recovery found, in numbers of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// Reservations whose requests had vanished, given back.
    pub released: usize,
    /// Settlements in doubt that turned out to have happened.
    pub settled: usize,
    /// Settlements in doubt that definitely did not happen.
    pub declined: usize,
    /// Settlements still in doubt.
    pub unknown: usize,
    /// Delivered payments that turned out to be final.
    pub confirmed: usize,
    /// Delivered payments that the chain has taken back.
    pub reversed: usize,
    /// Delivered payments that are not final yet: they are looked at again.
    pub provisional: usize,
    /// Paid for and not delivered: they wait for their buyers.
    pub undelivered: usize,
    /// Records that somebody is working on, or that can not be read.
    pub left: usize,
}

/// Goes on with what was in flight when a seller stopped. Call it when a replica starts, and now and then; leases keep
/// replicas out of each other's way. `prefix` limits it to keys that begin with it, empty for all.
///
/// # Errors
/// When the ledger could not be asked.
pub async fn recover(seams: &Seams, gate: &Gate, prefix: &str) -> Result<Recovered, SeamError> {
    let mut recovered = Recovered::default();
    let mut cursor: Option<Key> = None;
    loop {
        let page = seams
            .ledger
            .pending(seams.clock.now(), prefix, cursor.as_ref(), 64)
            .await?;
        for (key, found) in page.records {
            one(seams, gate, key, found, &mut recovered).await?;
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(recovered),
        }
    }
}

async fn one(
    seams: &Seams,
    gate: &Gate,
    key: Key,
    found: Versioned,
    recovered: &mut Recovered,
) -> Result<(), SeamError> {
    let now = seams.clock.now();
    if !matches!(
        found.record.phase,
        Phase::Reserved | Phase::Owed | Phase::Unknown | Phase::Undelivered | Phase::Provisional
    ) {
        // A buyer's, or of a kind that this version does not know.
        return Ok(());
    }
    let Ok(entry) = Entry::decode(&found.record) else {
        recovered.left += 1;
        return Ok(());
    };
    let keys = entry.claim.as_ref().map_or_else(
        || vec![key.clone()],
        |claim| claim.spends.iter().map(Key::from).collect::<Vec<_>>(),
    );
    if keys.first() != Some(&key) {
        // Its first key stands for all of them.
        return Ok(());
    }
    let mut versions = Vec::with_capacity(keys.len());
    for key in &keys {
        match seams.ledger.get(now, key).await? {
            Some(found) => versions.push(found),
            None => {
                recovered.left += 1;
                return Ok(());
            }
        }
    }
    if found.record.phase == Phase::Provisional {
        return again(
            seams,
            gate,
            Provisional::due(entry, keys, &versions, now),
            recovered,
        )
        .await;
    }
    match Found::read(&keys, &versions, &entry, gate, now) {
        Found::Free => {
            // How often its handler has failed is still counted.
            let counted = |found: &Versioned| Record {
                phase: Phase::Declined,
                lease: None,
                ..found.record.clone()
            };
            let writes: Vec<Write> = keys
                .iter()
                .zip(&versions)
                .map(|(key, found)| Write {
                    key: key.clone(),
                    expect: Expect::Version(found.version),
                    put: (entry.failures > 0).then(|| counted(found)),
                })
                .collect();
            seams.ledger.apply(now, &writes).await?;
            recovered.released += 1;
        }
        Found::Doubt(taking) => {
            match settle(seams, gate, taking.take(gate, now), Ask::Resolve).await {
                Done::Delivered(_) => recovered.settled += 1,
                Done::Granted(granted) => {
                    seams
                        .ledger
                        .apply(now, &granted.vanished(gate, now))
                        .await?;
                    recovered.settled += 1;
                }
                Done::Declined(..) => recovered.declined += 1,
                Done::Unknown(..) => recovered.unknown += 1,
                Done::Lost | Done::LedgerFailed => recovered.left += 1,
            }
        }
        Found::Undelivered(_) => recovered.undelivered += 1,
        _ => recovered.left += 1,
    }
    Ok(())
}

/// A second look at what was delivered before it was final.
async fn again(
    seams: &Seams,
    gate: &Gate,
    due: Option<Provisional>,
    recovered: &mut Recovered,
) -> Result<(), SeamError> {
    let Some(due) = due else {
        recovered.provisional += 1;
        return Ok(());
    };
    let Some(claim) = due.claim().cloned() else {
        recovered.left += 1;
        return Ok(());
    };
    let pending = due.pending(seams.clock.now());
    let settlement = match seams.facilitator.resolve(&claim, &pending).await {
        Ok(settlement) => settlement,
        Err(error) => {
            let event = Event::FacilitatorFailed(error.as_ref());
            seams.events.event(&claim, &event);
            recovered.provisional += 1;
            return Ok(());
        }
    };
    let now = seams.clock.now();
    let (writes, seen) = due.seen(settlement, gate, now);
    if let Seen::Reversed(reason) = &seen {
        // Told before it is written: whoever dies between the two tells it again.
        seams.events.event(&claim, &Event::Reversed(reason));
    }
    match (seams.ledger.apply(now, &writes).await?, seen) {
        (Applied::Conflict { .. }, _) => recovered.left += 1,
        (_, Seen::Final) => recovered.confirmed += 1,
        (_, Seen::Unknown) => recovered.provisional += 1,
        (_, Seen::Reversed(_)) => recovered.reversed += 1,
    }
    Ok(())
}
