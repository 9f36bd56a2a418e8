//! Attacks with charges of MPP. Each needs a challenge of its own, which is made for one request.

mod form;
mod once;
mod pays;
mod tamper;

use super::{
    Boxed,
    scene::{Ask, Scene},
};
use crate::attacks::{
    charge::{Charge, Paying, charges},
    report::{Seen, Tally, not_here},
    wire::Heard,
};
use http402_evm::development::is_test_chain;
use http402_verify::LocalKey;
use std::time::Instant;

type Run = for<'a> fn(&'a Table<'a>) -> Boxed<'a, Seen>;

struct Attack {
    id: u8,
    expected: &'static str,
    run: Run,
}

/// Who attacks with charges: the scene, and a key that pays.
struct Table<'a> {
    scene: &'a Scene,
    key: LocalKey,
}

type Case = (String, Ask);

impl Table<'_> {
    /// A fresh challenge for this request.
    async fn charge_for(&self, ask: &Ask) -> Option<Charge> {
        let heard = self.scene.send(ask).await;
        let all = charges(heard.answer()?);
        all.into_iter().find(|charge| is_test_chain(&charge.chain))
    }

    /// A fresh challenge for the resource.
    async fn charge(&self) -> Option<Charge> {
        self.charge_for(&self.scene.ask(false)).await
    }

    /// What an honest client answers to a fresh challenge for the resource.
    async fn paying(&self) -> Option<Paying> {
        Some(Paying::honest(&self.charge().await?, &self.key))
    }

    fn ask(&self, paying: &Paying) -> Ask {
        self.scene.ask(false).with(paying.header())
    }

    fn case(&self, name: impl Into<String>, paying: &Paying) -> Case {
        (name.into(), self.ask(paying))
    }

    async fn present(&self, paying: &Paying) -> Heard {
        self.scene.send(&self.ask(paying)).await
    }
}

fn no_challenge() -> Seen {
    not_here("the target gave no challenge this time")
}

/// The attacks that are about MPP alone: others are told for the other protocols already.
const OWN: [u8; 8] = [21, 22, 23, 24, 26, 44, 53, 56];

/// An honest charge; `None` where there is none to be paid, or nobody to pay it.
pub(super) async fn baseline(scene: &mut Scene, notes: &mut Vec<String>) -> bool {
    let Some(key) = scene.key.clone() else {
        return false;
    };
    let table = Table { scene, key };
    let Some(charge) = table.charge().await else {
        return false;
    };
    let about = format!(
        "mpp evm/charge on {}, {} units",
        charge.chain, charge.amount
    );
    let heard = table.present(&Paying::honest(&charge, &table.key)).await;
    match heard {
        Heard::Answer(answer) if answer.granted() => {
            notes.push(format!("pays {about}"));
            scene.goods = Some(answer);
            true
        }
        heard => {
            notes.push(format!(
                "the honest payment was not taken, {about}: {}",
                heard.word()
            ));
            false
        }
    }
}

pub(super) async fn attack(
    scene: &Scene,
    paid: bool,
    only: &[u8],
    deadline: Instant,
    tally: &mut Tally,
) {
    let table = scene
        .key
        .clone()
        .filter(|_| paid)
        .map(|key| Table { scene, key });
    let all = [
        once::attacks(),
        tamper::attacks(),
        pays::attacks(),
        form::attacks(),
    ];
    for Attack { id, expected, run } in all.into_iter().flatten() {
        let wanted = only.is_empty() || only.contains(&id);
        match &table {
            _ if !wanted && OWN.contains(&id) => {
                tally.add(id, expected, "", not_here("not asked for"));
            }
            _ if !wanted => {}
            Some(_) if Instant::now() > deadline => {
                tally.add(id, expected, "mpp", not_here("the time was up"));
            }
            Some(table) => tally.add(id, expected, "mpp", run(table).await),
            None if OWN.contains(&id) => {
                let why = "needs a charge of MPP that can be paid, on a test chain";
                tally.add(id, expected, "", not_here(why));
            }
            None => {}
        }
    }
}
