use super::{
    Portable, Signed,
    field::Field,
    key::{Table, named},
    key_of, keys_of, known_all,
    limbs::from_bytes,
    point::{Affine, Jacobian},
    ring::FOUR,
    scalar::Scalar,
};
use crate::{
    Signature,
    engine::{Check, Engine},
};
use http402_core::{Address, B256, keccak256};
use http402_lanes::{
    Entry, FIXED, FIXED_EACH, FIXED_WIDTH, Fractions, Known, New, Numbers, Points, Quotients,
};
use std::{array::from_fn, sync::LazyLock};

/// How many signatures of new payers are worth eight lanes: they cost as much as two one by one.
const WORTH_NEW: usize = 2;
/// How many of known keys are.
const WORTH_KNOWN: usize = 3;

/// How many hashes are: eight cost as much as two one by one.
const WORTH_HASH: usize = 3;

/// Multiples of the generator, 464 KiB for all lanes of a process: in lanes a product with λ costs more than what the digits of
/// the other table save, as each lane has another power of it.
static TABLE: LazyLock<Box<[Entry]>> = LazyLock::new(|| {
    let mut all = Vec::with_capacity(FIXED * FIXED_EACH);
    let mut base = Affine::GENERATOR.jacobian();
    // No place is infinity, nor any of its multiples: the order is a prime.
    while let (true, Some(affine)) = (all.len() < FIXED * FIXED_EACH, base.affine()) {
        let mut sum = Jacobian::INFINITY;
        for _ in 0..FIXED_EACH {
            sum = sum.add_affine(affine);
            all.push(sum);
        }
        base = (0..FIXED_WIDTH).fold(base, |point, _| point.double());
    }
    let all = Jacobian::affine_all(&all).into_iter();
    all.filter_map(|point| Some(point?.entry())).collect()
});

/// The engine that checks eight signatures of a batch at once, in the AVX-512 IFMA lanes of the CPU. What comes alone is
/// left to the [`Portable`] engine in it, and so is every lane that the lanes can not compute.
///
/// ```
/// use http402_verify::engine::{Engine, Keys, Lanes, Portable};
/// use std::sync::Arc;
///
/// let portable = Portable::with_keys(Arc::new(Keys::default()));
/// let engine: Arc<dyn Engine> = match Lanes::detect(portable.clone()) {
///     Some(lanes) => Arc::new(lanes),
///     None => Arc::new(portable),
/// };
/// # let _ = engine;
/// ```
#[derive(Clone, Debug)]
pub struct Lanes {
    lanes: http402_lanes::Lanes,
    portable: Portable,
}

impl Lanes {
    /// The engine, where the CPU has such lanes.
    pub fn detect(portable: Portable) -> Option<Self> {
        let lanes = http402_lanes::Lanes::detect()?;
        Some(Self { lanes, portable })
    }

    /// The keys of signatures, with their addresses.
    fn keys_of(&self, items: &[Signed<'_>]) -> Vec<Option<(Affine, Address)>> {
        let rest = items.len() % 8;
        let alone = if rest < WORTH_NEW { rest } else { 0 };
        let (wide, alone) = items.split_at(items.len() - alone);
        let mut keys = self.wide_keys(wide);
        keys.extend(keys_of(alone));
        self.addresses(&keys)
    }

    fn wide_keys(&self, items: &[Signed<'_>]) -> Vec<Option<Affine>> {
        let chunks = items.chunks(8);
        let fractions = chunks.clone().map(|items| {
            // u is s/r, and v is -z/r.
            fractions(
                items
                    .iter()
                    .map(|(digest, signature)| [signature.r(), signature.s(), &digest.0]),
            )
        });
        let quotients = self
            .lanes
            .quotients(&fractions.collect::<Vec<_>>(), &invert_order);
        let news = chunks.zip(&quotients);
        let news: Vec<_> = news
            .map(|(items, quotients)| new(items, quotients))
            .collect();
        let points = self.lanes.new_points(&news, &TABLE, &invert);
        let all = items.chunks(8).zip(&points);
        let all = all.flat_map(|(items, points)| items.iter().zip(lanes(points)));
        let keys = all.map(|((digest, signature), key)| match key {
            Lane::None => None,
            // The lanes could not add what met.
            Lane::Unknown => key_of(digest, signature),
            Lane::Key(key) => Some(key),
        });
        keys.collect()
    }

    fn addresses(&self, keys: &[Option<Affine>]) -> Vec<Option<(Affine, Address)>> {
        let points: Vec<_> = keys.iter().flatten().map(|key| key.to_bytes()).collect();
        let points: Vec<&[u8]> = points.iter().map(<[u8; 64]>::as_slice).collect();
        let mut hashes = self.keccak_all(&points).into_iter();
        let all = keys.iter().map(|key| {
            let key = (*key)?;
            Some((key, Address::from_slice(&hashes.next()?[12..])))
        });
        all.collect()
    }

    /// Whether each signature is of its known key.
    fn known_all(&self, items: &[(&Check, &Table)]) -> Vec<bool> {
        let rest = items.len() % 8;
        let alone = if rest < WORTH_KNOWN { rest } else { 0 };
        let (wide, alone) = items.split_at(items.len() - alone);
        let mut answers = self.wide_known(wide);
        answers.extend(known_all(alone));
        answers
    }

    fn wide_known(&self, items: &[(&Check, &Table)]) -> Vec<bool> {
        let chunks = items.chunks(8);
        let fractions = chunks.clone().map(|items| {
            // u is r/s, and v is z/s.
            fractions(
                items
                    .iter()
                    .map(|(check, _)| [check.signature.s(), check.signature.r(), &check.digest.0]),
            )
        });
        let quotients = self
            .lanes
            .quotients(&fractions.collect::<Vec<_>>(), &invert_order);
        let sums = chunks.zip(&quotients);
        let sums: Vec<_> = sums
            .map(|(items, quotients)| sums_of(items, quotients))
            .collect();
        let answers = self
            .lanes
            .known_points(&sums, FOUR.cells(), &TABLE, &invert);
        let answers = items.iter().enumerate().map(|(at, (check, table))| {
            let (answers, lane) = (answers[at / 8], at % 8);
            if answers.computed >> lane & 1 == 1 {
                return answers.right >> lane & 1 == 1;
            }
            // The lanes could not add what met.
            let inverse = Scalar::from_bytes(check.signature.s()).invert();
            let point = table.point(&check.digest, &check.signature, inverse);
            named(point.affine(), &check.signature)
        });
        answers.collect()
    }
}

/// Eight pairs of fractions at most: what both are divided by, and what is divided. Lanes without any divide zeros.
fn fractions<'a>(all: impl Iterator<Item = [&'a [u8; 32]; 3]>) -> Fractions {
    let mut fractions = Fractions {
        below: [[0; 8]; 4],
        first: [[0; 8]; 4],
        second: [[0; 8]; 4],
    };
    for (lane, [below, first, second]) in all.enumerate() {
        put(&mut fractions.below, lane, from_bytes(below));
        put(&mut fractions.first, lane, from_bytes(first));
        put(&mut fractions.second, lane, from_bytes(second));
    }
    fractions
}

/// What eight checks give to the lanes.
fn sums_of<'a>(items: &[(&Check, &'a Table)], quotients: &Quotients) -> Known<'a> {
    // Lanes without a check do what the last one's table says, and nobody looks.
    let last = items.len() - 1;
    let mut known = Known {
        tables: from_fn(|lane| items[lane.min(last)].1.entries()),
        halves: quotients.halves,
        fixed: quotients.whole,
        x: [[0; 8]; 4],
        odd: 0,
    };
    for (lane, (check, _)) in items.iter().enumerate() {
        put(&mut known.x, lane, from_bytes(check.signature.r()));
        known.odd |= u8::from(check.signature.odd()) << lane;
    }
    known
}

/// What eight recoveries give to the lanes.
fn new(items: &[Signed<'_>], quotients: &Quotients) -> New {
    let mut new = New {
        x: [[0; 8]; 4],
        odd: 0,
        halves: quotients.halves,
        fixed: quotients.whole,
    };
    new.fixed.negative = !new.fixed.negative;
    for (lane, (_, signature)) in items.iter().enumerate() {
        put(&mut new.x, lane, from_bytes(signature.r()));
        new.odd |= u8::from(signature.odd()) << lane;
    }
    new
}

fn put(all: &mut Numbers, lane: usize, limbs: [u64; 4]) {
    for (limbs, limb) in all.iter_mut().zip(limbs) {
        limbs[lane] = limb;
    }
}

fn invert_order(limbs: [u64; 4]) -> [u64; 4] {
    Scalar::from_limbs(limbs).invert().limbs()
}

fn invert(limbs: [u64; 4]) -> [u64; 4] {
    Field::from_limbs(limbs).invert().limbs()
}

/// What a lane came to.
enum Lane {
    /// There is no key.
    None,
    Key(Affine),
    Unknown,
}

fn lanes(points: &Points) -> impl Iterator<Item = Lane> {
    let number = |limbs: &Numbers, lane| Field::from_limbs(limbs.map(|limb| limb[lane]));
    (0..8).map(move |lane| {
        if points.there >> lane & 1 == 0 {
            Lane::None
        } else if points.computed >> lane & 1 == 0 {
            Lane::Unknown
        } else {
            Lane::Key(Affine {
                x: number(&points.x, lane),
                y: number(&points.y, lane),
            })
        }
    })
}

impl Engine for Lanes {
    fn name(&self) -> &'static str {
        "lanes"
    }

    fn recover(&self, digest: &B256, signature: &Signature) -> Option<Address> {
        self.portable.recover(digest, signature)
    }

    fn check(&self, digest: &B256, signature: &Signature, payer: &Address) -> bool {
        self.portable.check(digest, signature, payer)
    }

    fn recover_all(&self, items: &[(B256, Signature)]) -> Vec<Option<Address>> {
        let all = items.iter().map(|(digest, signature)| (digest, signature));
        let keys = self.keys_of(&all.collect::<Vec<_>>()).into_iter();
        keys.map(|key| Some(key?.1)).collect()
    }

    fn keccak_all(&self, inputs: &[&[u8]]) -> Vec<B256> {
        let mut all = Vec::with_capacity(inputs.len());
        for inputs in inputs.chunks(8) {
            let length = inputs[0].len();
            if inputs.len() < WORTH_HASH || inputs.iter().any(|input| input.len() != length) {
                all.extend(inputs.iter().map(keccak256));
                continue;
            }
            // Lanes without an input do what the last one's says, and nobody looks.
            let last = inputs.len() - 1;
            let hashes = self.lanes.keccak(from_fn(|lane| inputs[lane.min(last)]));
            all.extend(
                hashes
                    .iter()
                    .take(inputs.len())
                    .map(|hash| B256::new(*hash)),
            );
        }
        all
    }

    fn check_all(&self, checks: &[Check]) -> Vec<bool> {
        self.portable.answer(
            checks,
            |items| self.known_all(items),
            |items| self.keys_of(items),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http402_core::hex;

    /// Signatures that somebody made, of this r.
    fn signed(r: &str) -> Vec<(B256, Signature)> {
        let of = |number| {
            let mut bytes = [number; 65];
            hex::decode(r.as_bytes(), &mut bytes[..32]).unwrap();
            bytes[64] = 27 + number % 2;
            (B256::repeat_byte(number), Signature::parse(&bytes).unwrap())
        };
        (1..=96).map(of).collect()
    }

    fn alone(items: &[(B256, Signature)]) -> Vec<Option<Address>> {
        let all = items.iter();
        all.map(|(digest, signature)| Portable::new().recover(digest, signature))
            .collect()
    }

    #[test]
    fn the_engine_is_there_where_the_cpu_has_the_lanes() {
        let there = http402_lanes::Lanes::detect().is_some();
        let engine = Lanes::detect(Portable::new());
        assert_eq!(engine.is_some(), there);
        assert!(engine.is_none_or(|engine| engine.name() == "lanes"));
    }

    /// What the lanes come to by themselves.
    fn computed(engine: &Lanes, items: &[Signed<'_>]) -> Vec<Option<Affine>> {
        let signed = items.iter();
        let given = fractions(signed.map(|(digest, of)| [of.r(), of.s(), &digest.0]));
        let quotients = engine.lanes.quotients(&[given], &invert_order);
        let given = [new(items, &quotients[0])];
        let points = engine.lanes.new_points(&given, &TABLE, &invert);
        let keys = lanes(&points[0]).map(|lane| match lane {
            Lane::Key(key) => Some(key),
            Lane::None | Lane::Unknown => None,
        });
        keys.take(items.len()).collect()
    }

    /// What a lane can not add is computed in another way: that would hide lanes that are given nothing.
    #[test]
    fn the_lanes_compute_what_they_are_given() {
        let Some(engine) = Lanes::detect(Portable::new()) else {
            return;
        };
        let one = "0000000000000000000000000000000000000000000000000000000000000001";
        let items = signed(one);
        for items in items.chunks(8) {
            let items: Vec<Signed<'_>> = items.iter().map(|(digest, of)| (digest, of)).collect();
            let own = computed(&engine, &items).into_iter();
            for (own, (digest, signature)) in own.zip(items) {
                let right = key_of(digest, signature).unwrap();
                assert_eq!(own.map(Affine::to_bytes), Some(right.to_bytes()));
            }
        }
        assert_eq!(engine.recover_all(&items), alone(&items));
    }

    /// Sums start at a point that anyone can sign with as R. What meets it comes to a lane that is not to be believed.
    #[test]
    fn what_the_lanes_can_not_add_is_added_in_another_way() {
        let Some(engine) = Lanes::detect(Portable::new()) else {
            return;
        };
        let start = "6851f4c12f287bcb17a31bd44f672dbf5f6e317887749775d1f527d8f47ea518";
        let items = signed(start);
        let alone = alone(&items);
        assert!(alone.iter().all(Option::is_some));
        assert_eq!(engine.recover_all(&items), alone);
    }
}
