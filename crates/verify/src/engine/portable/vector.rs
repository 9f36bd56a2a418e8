use super::{
    Portable, Signed,
    digits::booth_half,
    field::Field,
    fixed::{COUNT as FIXED, generator_digits, table},
    key::{COUNT as KNOWN, Table, WIDTH as KNOWN_WIDTH, named},
    key_of, keys_of, known_all,
    point::{Affine, Jacobian},
    scalar::Scalar,
};
use crate::{
    Signature,
    engine::{Check, Engine},
};
use http402_core::{Address, B256, keccak256};
use http402_lanes::{Known, NEW, New, Numbers, Points};
use std::array::from_fn;

/// How many signatures of new payers are worth eight lanes: they cost as much as two one by one.
const WORTH_NEW: usize = 2;
/// How many of known keys are.
const WORTH_KNOWN: usize = 3;

/// How many hashes are: eight cost as much as two one by one.
const WORTH_HASH: usize = 3;

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
        let r = |(_, signature): &Signed<'_>| Scalar::from_bytes(signature.r());
        let mut inverses: Vec<_> = items.iter().map(r).collect();
        Scalar::invert_all(&mut inverses);
        let chunks = items.chunks(8).zip(inverses.chunks(8));
        let news: Vec<_> = chunks
            .map(|(items, inverses)| new(items, inverses))
            .collect();
        let sums = self.lanes.new_points(&news, table(), &invert);
        let lanes = || (0..items.len()).map(|at| (&sums[at / 8], at % 8));
        let points: Vec<_> = lanes()
            .map(|((sums, _), lane)| jacobian(sums, lane))
            .collect();
        let there = lanes().map(|((_, found), lane)| found >> lane & 1 == 1);
        let affine = Jacobian::affine_all(&points).into_iter();
        let all = affine.zip(there).zip(items);
        let keys = all.map(|((affine, there), (digest, signature))| match affine {
            _ if !there => None,
            // The lanes could not add what met.
            None => key_of(digest, signature),
            key => key,
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
        let s = |(check, _): &(&Check, &Table)| Scalar::from_bytes(check.signature.s());
        let mut inverses: Vec<_> = items.iter().map(s).collect();
        Scalar::invert_all(&mut inverses);
        let chunks = items.chunks(8).zip(inverses.chunks(8));
        let sums: Vec<_> = chunks
            .map(|(items, inverses)| sums(items, inverses))
            .collect();
        let sums = self.lanes.known_points(&sums, table(), &invert);
        let points = items.chunks(8).zip(&sums);
        let points =
            points.flat_map(|(items, sums)| (0..items.len()).map(|lane| jacobian(sums, lane)));
        let points: Vec<_> = points.collect();
        let affine = Jacobian::affine_all(&points).into_iter();
        let all = affine.zip(items).zip(inverses);
        let answers = all.map(|((point, (check, table)), inverse)| {
            // The lanes could not add what met.
            let again = || {
                table
                    .point(&check.digest, &check.signature, inverse)
                    .affine()
            };
            named(point.or_else(again), &check.signature)
        });
        answers.collect()
    }
}

/// What eight checks give to the lanes.
fn sums<'a>(items: &[(&Check, &'a Table)], inverses: &[Scalar]) -> Known<'a> {
    // Lanes without a check do what the last one's table says, and nobody looks.
    let last = items.len() - 1;
    let mut known = Known {
        tables: from_fn(|lane| items[lane.min(last)].1.entries()),
        halves: [[[0; 8]; KNOWN]; 2],
        fixed: [[0; 8]; FIXED],
    };
    for (lane, ((check, _), inverse)) in items.iter().zip(inverses).enumerate() {
        let z = Scalar::from_bytes(&check.digest.0);
        let r = Scalar::from_bytes(check.signature.r());
        put(&mut known.fixed, lane, &generator_digits(z.mul(*inverse)));
        for (half, part) in known.halves.iter_mut().zip(r.mul(*inverse).split()) {
            put(half, lane, &booth_half::<KNOWN_WIDTH, KNOWN>(part));
        }
    }
    known
}

fn invert(numbers: &Numbers) -> Numbers {
    let mut all: [Field; 8] = from_fn(|lane| Field::from_limbs(numbers.map(|limbs| limbs[lane])));
    Field::invert_all(&mut all);
    let all = all.map(Field::limbs);
    from_fn(|limb| all.map(|number| number[limb]))
}

/// What eight recoveries give to the lanes. Lanes without one do nothing.
fn new(items: &[Signed<'_>], inverses: &[Scalar]) -> New {
    let mut new = New {
        x: [[0; 8]; 4],
        odd: 0,
        halves: [[[0; 8]; NEW]; 2],
        fixed: [[0; 8]; FIXED],
    };
    for (lane, ((digest, signature), inverse)) in items.iter().zip(inverses).enumerate() {
        let x = Field::from_bytes(signature.r()).limbs();
        for (limbs, limb) in new.x.iter_mut().zip(x) {
            limbs[lane] = limb;
        }
        new.odd |= u8::from(signature.odd()) << lane;
        let z = Scalar::from_bytes(&digest.0);
        let s = Scalar::from_bytes(signature.s());
        for (half, part) in new.halves.iter_mut().zip(s.mul(*inverse).split()) {
            put(half, lane, &booth_half::<5, NEW>(part));
        }
        let times = z.mul(*inverse).negate();
        put(&mut new.fixed, lane, &generator_digits(times));
    }
    new
}

fn put<const N: usize>(all: &mut [[i16; 8]; N], lane: usize, digits: &[i16; N]) {
    for (lanes, digit) in all.iter_mut().zip(digits) {
        lanes[lane] = *digit;
    }
}

fn jacobian(points: &Points, lane: usize) -> Jacobian {
    let number = |limbs: &Numbers| Field::from_limbs(limbs.map(|limb| limb[lane]));
    Jacobian {
        x: number(&points.x),
        y: number(&points.y),
        z: number(&points.z),
    }
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
        let inverses = items.iter().map(|(_, signature)| signature.r());
        let inverses: Vec<_> = inverses.map(|r| Scalar::from_bytes(r).invert()).collect();
        let given = [new(items, &inverses)];
        let sums = engine.lanes.new_points(&given, table(), &invert);
        let lanes = 0..items.len();
        lanes
            .map(|lane| jacobian(&sums[0].0, lane).affine())
            .collect()
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
