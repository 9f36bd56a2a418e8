//! One payment, one delivery: copies, replays, twins, junk, lost answers.

use super::{
    Attack, Run,
    scene::{Ask, Scene, shortened},
    spelling,
};
use crate::attacks::{
    dialect::{self, Offer},
    payment::{Payment, compact, fresh, high_s},
    report::{Seen, fail, not_here, pass},
    wire::Heard,
};
use http402_core::{Bytes, U256};
use std::time::Duration;

/// How many copies are sent at once.
const COPIES: usize = 32;

pub(super) fn attacks() -> Vec<Attack> {
    let attack = |id, expected, run| Attack {
        id,
        expected,
        run: Run::Payment(run),
    };
    vec![
        attack(
            1,
            "of 32 copies one delivery and one settlement; the others get its answer, or a refusal without a fresh 402",
            |scene, offer| Box::pin(copies(scene, offer)),
        ),
        attack(
            2,
            "no second delivery: the stored answer for the same request, a refusal for another",
            |scene, offer| Box::pin(replay(scene, offer)),
        ),
        attack(
            3,
            "200 spellings of one authorization: one delivery and one settlement",
            |scene, offer| Box::pin(spellings(scene, offer)),
        ),
        attack(
            4,
            "all twins of one signature: one delivery and one settlement",
            |scene, offer| Box::pin(twins(scene, offer)),
        ),
        attack(
            6,
            "who hung up and presents the same bytes gets the goods or a refusal without a fresh 402, and pays once",
            |scene, offer| Box::pin(hung_up(scene, offer)),
        ),
        attack(
            7,
            "who lost the answer and presents the same bytes gets it or a refusal without a fresh 402, and pays once",
            |scene, offer| Box::pin(lost(scene, offer)),
        ),
        attack(
            13,
            "junk reserves nothing: the victim's payment with that nonce is served",
            |scene, offer| Box::pin(junk_first(scene, offer)),
        ),
        attack(
            19,
            "a used credential opens no other query, method or route",
            |scene, offer| Box::pin(elsewhere(scene, offer)),
        ),
        attack(
            20,
            "a used credential does not buy an answer to another body",
            |scene, offer| Box::pin(other_body(scene, offer)),
        ),
        attack(
            29,
            "several credentials in one request are refused, and none of them is settled",
            |scene, offer| Box::pin(several(scene, offer)),
        ),
    ]
}

fn no_key() -> Seen {
    not_here("no key was given")
}

/// The first granted, those that differ from it, and the refusals with fresh offers.
struct Sorted<'a> {
    granted: Vec<&'a Heard>,
    distinct: usize,
    demands: usize,
}

fn sorted(heard: &[Heard]) -> Sorted<'_> {
    let granted: Vec<&Heard> = heard.iter().filter(|heard| heard.granted()).collect();
    let mut kinds = Vec::new();
    for one in &granted {
        if let Some(answer) = one.answer() {
            let kind = (answer.body.clone(), dialect::receipt(answer));
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    let demands = heard.iter().filter(|heard| heard.status() == 402).count();
    Sorted {
        distinct: kinds.len(),
        demands,
        granted,
    }
}

/// Fails when more than one payment was taken, or money for nothing.
fn taken(spent: Option<U256>, offer: &Offer, delivered: bool) -> Option<Seen> {
    let spent = spent?;
    if spent > offer.amount {
        return Some(fail(format!(
            "{spent} units were taken, and the price is {}",
            offer.amount
        )));
    }
    match (spent.is_zero(), delivered) {
        (true, true) => Some(fail("the goods were delivered, and nothing was taken")),
        (false, false) => Some(fail("the price was taken, and nothing was delivered")),
        _ => None,
    }
}

async fn copies(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    let before = scene.purse(offer).await;
    let same = || scene.ask(false).with(payment.header());
    let heard = scene
        .volley(&(0..COPIES).map(|_| same()).collect::<Vec<_>>())
        .await;
    let first = sorted(&heard);
    if let Some(bad) = taken(
        scene.spent(offer, before).await,
        offer,
        !first.granted.is_empty(),
    ) {
        return bad;
    }
    if first.distinct > 1 {
        return fail(format!(
            "{} different deliveries for one authorization",
            first.distinct
        ));
    }
    // Copies that ask for something else each: a stored answer is no excuse.
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    let before = scene.purse(offer).await;
    let asks: Vec<Ask> = (0..COPIES)
        .map(|_| scene.ask(true).with(payment.header()))
        .collect();
    let heard = scene.volley(&asks).await;
    let second = sorted(&heard);
    if second.granted.len() > 1 {
        return fail(format!(
            "{} requests with different queries were served for one authorization",
            second.granted.len()
        ));
    }
    if let Some(bad) = taken(
        scene.spent(offer, before).await,
        offer,
        !second.granted.is_empty(),
    ) {
        return bad;
    }
    let fresh = first.demands + second.demands;
    if fresh > 0 {
        return fail(format!(
            "served once, but {fresh} of {} copies got a fresh 402: a client would sign again",
            2 * COPIES
        ));
    }
    pass(format!(
        "{COPIES} equal copies: one delivery, its answer given {} times; {COPIES} with different queries: {} served",
        first.granted.len(),
        second.granted.len()
    ))
}

async fn replay(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    let before = scene.purse(offer).await;
    let first = scene.present(&payment, None).await;
    let (Heard::Answer(answer), true) = (&first, first.granted()) else {
        return fail(format!("the first time it was {}", first.word()));
    };
    let mut again = Vec::new();
    for _ in 0..3 {
        let heard = scene.present(&payment, None).await;
        if let Heard::Answer(next) = &heard
            && heard.granted()
            && (next.body != answer.body || dialect::receipt(next) != dialect::receipt(answer))
        {
            return fail("a second delivery for a used credential");
        }
        again.push(heard.word());
    }
    let other = scene.send(&scene.ask(true).with(payment.header())).await;
    if other.granted() {
        return fail("a used credential was served for another query");
    }
    if let Some(bad) = taken(scene.spent(offer, before).await, offer, true) {
        return bad;
    }
    pass(format!(
        "the same request again: {}; another query: {}",
        again.join(", "),
        other.word()
    ))
}

/// Presents all of these at once: they are one authorization.
async fn one_of(scene: &Scene, offer: &Offer, credentials: Vec<(String, String)>) -> Seen {
    let before = scene.purse(offer).await;
    let count = credentials.len();
    let asks: Vec<Ask> = credentials
        .into_iter()
        .map(|credential| scene.ask(true).with(credential))
        .collect();
    let (mut granted, mut bad) = (0, Vec::new());
    for part in asks.chunks(64) {
        for heard in scene.volley(part).await {
            granted += usize::from(heard.granted());
            if matches!(heard.status(), 0 | 500) {
                bad.push(heard.word());
            }
        }
    }
    if granted > 1 {
        return fail(format!(
            "{granted} of {count} were served for one authorization"
        ));
    }
    if let Some(bad) = taken(scene.spent(offer, before).await, offer, granted == 1) {
        return bad;
    }
    if !bad.is_empty() {
        return fail(format!("answers that are none: {}", shortened(&bad)));
    }
    pass(format!("of {count} at once {granted} was served"))
}

async fn spellings(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    one_of(scene, offer, spelling::spellings(&payment, 200)).await
}

async fn twins(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    let plain = payment.message.signature.to_vec();
    let high = high_s(&plain);
    let mut twins = vec![plain.clone(), high.clone(), compact(&plain), compact(&high)];
    for signature in [&plain, &high] {
        let mut low_v = signature.clone();
        if let Some(v) = low_v.get_mut(64) {
            *v -= 27;
        }
        twins.push(low_v);
        twins.push([signature.as_slice(), &[0]].concat());
    }
    let twins = twins
        .into_iter()
        .map(|signature| payment.clone().with_signature(signature).header());
    one_of(scene, offer, twins.collect()).await
}

/// Presents until there is an answer that is not "later".
async fn settled_answer(scene: &Scene, payment: &Payment) -> Heard {
    let mut heard = Heard::Silence;
    for _ in 0..20 {
        heard = scene.present(payment, None).await;
        let later = heard
            .answer()
            .is_some_and(|answer| answer.header("retry-after").is_some());
        if !later || heard.granted() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    heard
}

async fn again(scene: &Scene, offer: &Offer, payment: &Payment, before: Option<U256>) -> Seen {
    let heard = settled_answer(scene, payment).await;
    let spent = scene.spent(offer, before).await;
    if let Some(spent) = spent.filter(|spent| *spent > offer.amount) {
        return fail(format!(
            "{spent} units were taken, and the price is {}",
            offer.amount
        ));
    }
    let took = match spent {
        Some(spent) if spent.is_zero() => ", and nothing was taken",
        Some(_) => ", and the price was taken",
        None => "",
    };
    if heard.status() == 402 {
        return fail(format!(
            "the same bytes get a fresh 402{took}: a client would sign again"
        ));
    }
    if heard.status() == 0 || heard.status() == 500 {
        return fail(format!("the same bytes get {}{took}", heard.word()));
    }
    pass(format!("the same bytes get {}{took}", heard.word()))
}

async fn hung_up(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    let before = scene.purse(offer).await;
    let bytes = scene.bytes(&scene.ask(false).with(payment.header()));
    if scene.wire.hang_up(&bytes).await.is_err() {
        return fail("the connection was refused");
    }
    // What it began goes on, or not.
    tokio::time::sleep(Duration::from_millis(500)).await;
    again(scene, offer, &payment, before).await
}

async fn lost(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    let before = scene.purse(offer).await;
    // The answer is thrown away: nobody has seen it.
    let _ = scene.present(&payment, None).await;
    again(scene, offer, &payment, before).await
}

async fn junk_first(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    let mut junk = payment.message.signature.to_vec();
    for (byte, noise) in junk.iter_mut().take(64).zip(fresh().0.iter().cycle()) {
        *byte ^= noise | 1;
    }
    let junk = payment.clone().with_signature(junk);
    let short = payment.clone().with_signature(Bytes::from_static(&[1; 65]));
    for junk in [junk, short] {
        if scene.present(&junk, None).await.granted() {
            return fail("junk was served");
        }
    }
    let heard = settled_answer(scene, &payment).await;
    if heard.granted() {
        return pass("junk twice, then the victim's own payment: served");
    }
    fail(format!("the victim's own payment gets {}", heard.word()))
}

async fn elsewhere(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    if !scene.present(&payment, None).await.granted() {
        return fail("the payment was not served in the first place");
    }
    let mut tried = Vec::new();
    let mut bad = Vec::new();
    let mut asks = vec![("another query".to_owned(), scene.ask(true))];
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let mut ask = scene.ask(false);
        if ask.method != method {
            ask.method = method.into();
            asks.push((method.into(), ask));
        }
    }
    if let Some(also) = &scene.target.also {
        let mut ask = scene.ask(false);
        ask.path.clone_from(also);
        asks.push((format!("the route {also}"), ask));
    }
    for (name, ask) in asks {
        let heard = scene.send(&ask.with(payment.header())).await;
        if heard.granted() {
            bad.push(name.clone());
        }
        tried.push(format!("{name}: {}", heard.word()));
    }
    if bad.is_empty() {
        pass(tried.join(", "))
    } else {
        fail(format!("served again for {}", bad.join(", ")))
    }
}

async fn other_body(scene: &Scene, offer: &Offer) -> Seen {
    let Some(payment) = scene.payment(offer) else {
        return no_key();
    };
    if scene.target.body.is_empty() {
        return not_here("the resource is asked for without a body: use --request and --data");
    }
    let first = scene.present(&payment, None).await;
    if !first.granted() {
        return fail(format!("the first body gets {}", first.word()));
    }
    let mut swapped = scene.ask(false).with(payment.header());
    swapped.body.reverse();
    swapped.body.push(b' ');
    let second = scene.send(&swapped).await;
    let mut empty = scene.ask(false).with(payment.header());
    empty.body.clear();
    let third = scene.send(&empty.header("Content-Length", "0")).await;
    // The stored answer to the first body is no answer to another.
    let stored = |heard: &Heard| match (heard.answer(), first.answer()) {
        (Some(now), Some(then)) => {
            now.body == then.body && dialect::receipt(now) == dialect::receipt(then)
        }
        _ => false,
    };
    if let Some(bad) = [&second, &third]
        .into_iter()
        .find(|heard| heard.granted() && !stored(heard))
    {
        return fail(format!(
            "another body was served for a used credential: {}",
            bad.word()
        ));
    }
    let told = |heard: &Heard| match heard.granted() {
        true => "the stored answer to the first".into(),
        false => heard.word(),
    };
    pass(format!(
        "another body: {}, none: {}",
        told(&second),
        told(&third)
    ))
}

async fn several(scene: &Scene, offer: &Offer) -> Seen {
    let Some(one) = scene.payment(offer) else {
        return no_key();
    };
    let Some(two) = scene.payment(offer) else {
        return no_key();
    };
    let ask = || scene.ask(false).with(one.header());
    let joined = format!("{}, {}", one.header().1, two.header().1);
    let mut cases = vec![
        ("two headers".to_owned(), ask().with(two.header())),
        ("the same twice".to_owned(), ask().with(one.header())),
        (
            "two in one header".to_owned(),
            scene.ask(false).with((one.header().0, joined)),
        ),
    ];
    // A header of a protocol that the target does not speak is no credential there.
    let others = dialect::offers_of(scene.plain().await.answer(), offer);
    for other in others {
        if let Some(other) = scene.payment(&other) {
            cases.push((
                "one in each protocol".to_owned(),
                ask().with(other.header()),
            ));
        }
    }
    scene.refuses(offer, cases).await
}
