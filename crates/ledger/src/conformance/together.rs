//! What many callers do to each other.

use super::*;

/// Of many who want the same keys, one gets all of them.
pub(super) async fn one_winner(ledger: Arc<dyn Ledger>) {
    for round in 0..20 {
        let tasks: Vec<_> = (0..8_usize)
            .map(|who| {
                let ledger = ledger.clone();
                thread::spawn(move || {
                    // In different orders, so that locks taken one by one would block each other.
                    let mut names = [0, 1, 2].map(|at| format!("winner/{round}/{at}"));
                    names.rotate_left(who % 3);
                    let mine = [u8::try_from(who).unwrap_or(0)];
                    let writes = names
                        .map(|name| put(&name, Expect::Absent, record(Phase::Reserved, &mine)));
                    let applied = block_on(ledger.apply(NOW, &writes));
                    matches!(applied, Ok(Applied::Done(_))).then_some(mine[0])
                })
            })
            .collect();
        let winners: Vec<u8> = tasks
            .into_iter()
            .filter_map(|task| task.join().expect("nobody panics"))
            .collect();
        assert_eq!(winners.len(), 1, "winners of round {round}: {winners:?}");
        for at in 0..3 {
            let found = get(&*ledger, NOW, &format!("winner/{round}/{at}")).await;
            assert_eq!(
                found.map(|it| it.record.body),
                Some(winners.clone().into()),
                "all keys are the winner's"
            );
        }
    }
}

/// Of many who count, no count is lost.
pub(super) async fn no_lost_update(ledger: Arc<dyn Ledger>) {
    const EACH: u64 = 25;
    done(
        &*ledger,
        &[put(
            "count",
            Expect::Absent,
            record(Phase::Tally, &0_u64.to_be_bytes()),
        )],
    )
    .await;
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let ledger = ledger.clone();
            thread::spawn(move || block_on(async { count(&*ledger, EACH).await }))
        })
        .collect();
    for task in tasks {
        task.join().expect("nobody panics");
    }
    let found = get(&*ledger, NOW, "count")
        .await
        .expect("the count is there");
    assert_eq!(
        found.record.body[..],
        (4 * EACH).to_be_bytes(),
        "counts were lost"
    );
}

async fn count(ledger: &dyn Ledger, times: u64) {
    let mut left = times;
    while left > 0 {
        let found = get(ledger, NOW, "count").await.expect("the count is there");
        let old = u64::from_be_bytes(found.record.body[..8].try_into().expect("eight bytes"));
        let new = record(Phase::Tally, &(old + 1).to_be_bytes());
        let write = put("count", Expect::Version(found.version), new);
        if let Applied::Done(_) = apply(ledger, &[write]).await {
            left -= 1;
        }
    }
}

/// 64 copies of one reservation: one is made, and the others are told of it.
pub(super) async fn one_key(ledger: Arc<dyn Ledger>) {
    const COPIES: usize = 64;
    for round in 0..8 {
        let key = format!("copies/{round}");
        let tasks: Vec<_> = (0..COPIES)
            .map(|who| {
                let (ledger, key) = (ledger.clone(), key.clone());
                let mine = record(Phase::Reserved, &who.to_be_bytes());
                thread::spawn(move || {
                    block_on(ledger.apply(NOW, &[put(&key, Expect::Absent, mine)]))
                })
            })
            .collect();
        let (mut winners, mut found_by_others) = (Vec::new(), Vec::new());
        for (who, task) in tasks.into_iter().enumerate() {
            let applied = task.join().expect("nobody panics");
            match applied.unwrap_or_else(|error| panic!("apply failed: {error}")) {
                Applied::Done(versions) => winners.push((who, versions[0])),
                Applied::Conflict { index, found } => {
                    assert_eq!(index, 0, "the one write conflicts");
                    found_by_others.push(found.expect("who lost is told what was there"));
                }
            }
        }
        let [(winner, version)] = winners[..] else {
            panic!("winners of round {round}: {winners:?}");
        };
        for found in found_by_others {
            assert_eq!(
                found.version, version,
                "others are told the winner's version"
            );
            assert_eq!(
                found.record.body[..],
                winner.to_be_bytes(),
                "and his record"
            );
        }
    }
}

/// Steps over sets of keys that overlap, in all orders: each is made whole or not at all, and none waits for ever.
pub(super) async fn overlapping(ledger: Arc<dyn Ledger>) {
    const KEYS: usize = 5;
    const EACH: usize = 12;
    let name = |at: usize| format!("overlap/{at}");
    for at in 0..KEYS {
        let zero = record(Phase::Tally, &0_u64.to_be_bytes());
        done(&*ledger, &[put(&name(at), Expect::Absent, zero)]).await;
    }
    let tasks: Vec<_> = (0..6_usize)
        .map(|who| {
            let ledger = ledger.clone();
            thread::spawn(move || {
                block_on(async {
                    let mut left = EACH;
                    let mut set: Vec<_> = (0..3).map(|at| name((who + at) % KEYS)).collect();
                    while left > 0 {
                        set.rotate_left(1);
                        left -= usize::from(raise(&*ledger, &set).await);
                    }
                });
                (0..3).map(|at| (who + at) % KEYS).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut wanted = [0_u64; KEYS];
    for task in tasks {
        for at in task.join().expect("nobody panics") {
            wanted[at] += EACH as u64;
        }
    }
    for (at, wanted) in wanted.into_iter().enumerate() {
        let found = get(&*ledger, NOW, &name(at))
            .await
            .expect("the count is there");
        assert_eq!(found.record.body[..], wanted.to_be_bytes(), "count {at}");
    }
}

/// Adds one to each of the counts, or to none.
async fn raise(ledger: &dyn Ledger, set: &[String]) -> bool {
    let mut writes = Vec::new();
    for key in set {
        let found = get(ledger, NOW, key).await.expect("the count is there");
        let old = u64::from_be_bytes(found.record.body[..].try_into().expect("eight bytes"));
        let new = record(Phase::Tally, &(old + 1).to_be_bytes());
        writes.push(put(key, Expect::Version(found.version), new));
    }
    matches!(apply(ledger, &writes).await, Applied::Done(_))
}
