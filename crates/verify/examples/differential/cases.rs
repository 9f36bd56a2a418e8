//! Signatures that try to be judged differently by different engines, and the comparison.

use http402_core::{Address, B256};
use http402_verify::{
    LocalKey, Signature,
    engine::{Check, Engine},
};
use k256::{
    ProjectivePoint, Scalar, U256,
    elliptic_curve::{
        PrimeField,
        ops::Reduce,
        point::{AffineCoordinates, DecompressPoint},
    },
};

/// The order of the curve.
const N: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
/// The prime of the field.
const P: &str = "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f";
/// Where the sums of the lanes start.
const START: &str = "6851f4c12f287bcb17a31bd44f672dbf5f6e317887749775d1f527d8f47ea518";

/// How many keys sign.
const KEYS: u8 = 12;

/// A source of the same cases on every machine (splitmix64).
#[derive(Debug)]
pub(crate) struct Cases {
    state: u64,
    /// How many signatures were made of each kind.
    pub(crate) kinds: [u64; KINDS.len()],
}

/// What is made.
pub(crate) const KINDS: [&str; 11] = [
    "valid",
    "one bit flipped",
    "high s",
    "r and s at their edges",
    "r + n < p",
    "wrong parity",
    "key at infinity",
    "signed point at infinity",
    "points that meet",
    "small multiples of chosen points",
    "any numbers",
];

/// One signature as bytes, the digest, and who is said to have made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) digest: [u8; 32],
    pub(crate) bytes: [u8; 65],
    pub(crate) payer: Address,
    kind: usize,
}

fn number(hex: &str) -> U256 {
    U256::from_be_hex(hex)
}

fn bytes(number: &U256) -> [u8; 32] {
    number.to_be_bytes().into()
}

fn scalar(bytes: &[u8; 32]) -> Scalar {
    Scalar::reduce(&U256::from_be_slice(bytes))
}

/// x and the parity of y of a point that is not infinity.
fn point(point: ProjectivePoint) -> ([u8; 32], bool) {
    let affine = point.to_affine();
    (affine.x().into(), affine.y_is_odd().into())
}

impl Cases {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            kinds: [0; KINDS.len()],
        }
    }

    fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.word() % limit
    }

    fn bytes(&mut self) -> [u8; 32] {
        let mut out = [0; 32];
        for chunk in out.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.word().to_be_bytes());
        }
        out
    }

    fn key(&mut self) -> (LocalKey, Scalar) {
        let secret = [1 + self.below(KEYS.into()) as u8; 32];
        let key = LocalKey::from_bytes(&secret).expect("a small number is a key");
        (key, scalar(&secret))
    }

    /// A signature that the key of `payer` makes.
    fn valid(&mut self) -> Case {
        let (key, _) = self.key();
        let digest = self.bytes();
        Case {
            digest,
            bytes: key.sign_digest(&digest),
            payer: key.address(),
            kind: 0,
        }
    }

    /// Of r, s and a digest, with s made low; the parity goes along.
    fn made(&self, r: [u8; 32], odd: bool, s: Scalar, z: Scalar, payer: Address) -> Case {
        let high = U256::from_be_slice(&s.to_repr()) > number(N).shr_vartime(1);
        let (s, odd) = if high { (-s, !odd) } else { (s, odd) };
        let mut bytes = [0; 65];
        bytes[..32].copy_from_slice(&r);
        bytes[32..64].copy_from_slice(&s.to_repr());
        bytes[64] = 27 + u8::from(odd);
        Case {
            digest: z.to_repr().into(),
            bytes,
            payer,
            kind: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Case {
        let kind = self.below(KINDS.len() as u64) as usize;
        self.kinds[kind] += 1;
        let mut case = match kind {
            0 => self.valid(),
            1 => self.flipped(),
            2 => self.high(),
            3 => self.edges(),
            4 => self.beyond_n(),
            5 => {
                let mut case = self.valid();
                case.bytes[64] ^= 27 ^ 28;
                case
            }
            6..=9 => self.constructed(kind),
            _ => self.any(),
        };
        case.kind = kind;
        case
    }

    fn flipped(&mut self) -> Case {
        let mut case = self.valid();
        let bit = self.below(8 * 97) as usize;
        match bit / 8 {
            at @ 0..65 => case.bytes[at] ^= 1 << (bit % 8),
            at => case.digest[at - 65] ^= 1 << (bit % 8),
        }
        case
    }

    fn high(&mut self) -> Case {
        let mut case = self.valid();
        let s = U256::from_be_slice(&case.bytes[32..64]);
        case.bytes[32..64].copy_from_slice(&bytes(&number(N).wrapping_sub(&s)));
        case.bytes[64] ^= 27 ^ 28;
        case
    }

    fn edges(&mut self) -> Case {
        let (n, p, one) = (number(N), number(P), U256::ONE);
        let half = n.shr_vartime(1);
        let minus = |a: &U256, b: &U256| a.wrapping_sub(b);
        let plus = |a: &U256, b: &U256| a.wrapping_add(b);
        let gap = minus(&p, &n);
        let edges = [
            U256::ZERO,
            one,
            plus(&one, &one),
            minus(&gap, &one),
            gap,
            plus(&gap, &one),
            half,
            plus(&half, &one),
            minus(&n, &one),
            n,
            plus(&n, &one),
            minus(&p, &one),
            p,
            plus(&p, &one),
            U256::MAX,
        ];
        let mut case = self.valid();
        let pick = self.word();
        let edge = |at: u64| bytes(&edges[(at % edges.len() as u64) as usize]);
        if pick & 3 != 0 {
            case.bytes[..32].copy_from_slice(&edge(pick >> 8));
        }
        if pick & 3 != 1 {
            case.bytes[32..64].copy_from_slice(&edge(pick >> 16));
        }
        if pick & 12 == 0 {
            case.digest = edge(pick >> 24);
        }
        case
    }

    /// r so small that r + n would be an x too.
    fn beyond_n(&mut self) -> Case {
        let mut case = self.any();
        let r = U256::from_be_slice(&self.bytes()).shr_vartime(128 + (self.below(120) as u32));
        case.bytes[..32].copy_from_slice(&bytes(&r));
        case
    }

    /// With discrete logarithms that are known: R = k·G, Q = d·G.
    fn constructed(&mut self, kind: usize) -> Case {
        let (key, d) = self.key();
        let k = scalar(&self.bytes());
        let (r, odd) = point(ProjectivePoint::GENERATOR * k);
        let (x, s) = (scalar(&r), scalar(&self.bytes()));
        let small = Scalar::from(self.below(40))
            * if self.below(2) == 0 {
                Scalar::ONE
            } else {
                -Scalar::ONE
            };
        match kind {
            // s·R = z·G.
            6 => self.made(r, odd, s, s * k, key.address()),
            // z·G = -r·Q.
            7 => self.made(r, odd, s, -(x * d), key.address()),
            // z·G = -s·R and z·G = r·Q: two equal points are added.
            8 if self.below(2) == 0 => self.made(r, odd, s, -(s * k), key.address()),
            8 => self.made(r, odd, s, x * d, key.address()),
            // u·R + v·G with small u and v, of a point of any x, or the one where the sums of the lanes start.
            _ => {
                let (r, odd) = if self.below(2) == 0 {
                    (r, odd)
                } else {
                    let start = bytes(&number(START));
                    let found = k256::AffinePoint::decompress(&start.into(), 0.into());
                    debug_assert!(bool::from(found.is_some()));
                    (start, self.below(2) == 0)
                };
                let x = scalar(&r);
                let v = Scalar::from(self.below(40));
                self.made(r, odd, x * small, -(x * v), key.address())
            }
        }
    }

    /// Any numbers are the signature of some key, when there is a point of this x.
    fn any(&mut self) -> Case {
        let (key, _) = self.key();
        let mut bytes = [0; 65];
        bytes[..32].copy_from_slice(&self.bytes());
        bytes[32..64].copy_from_slice(&self.bytes());
        bytes[32] &= 0x7f;
        bytes[64] = 27 + (self.word() & 1) as u8;
        Case {
            digest: self.bytes(),
            bytes,
            payer: key.address(),
            kind: 0,
        }
    }
}

/// Engines that are to agree with the first one.
#[derive(Debug)]
pub(crate) struct Engines {
    pub(crate) single: Vec<Box<dyn Engine>>,
    /// Those that have a way of their own for batches, or for payers who came back.
    pub(crate) batch: Vec<Box<dyn Engine>>,
}

/// Judges `count` cases by all of them, and returns how many were right, and how many refused before any engine.
///
/// # Panics
/// When two differ.
pub(crate) fn compare(cases: &mut Cases, engines: &Engines, count: usize) -> (u64, u64) {
    let mut checks = Vec::with_capacity(count);
    let mut refused = 0;
    while checks.len() < count {
        let case = cases.next();
        let Some(signature) = Signature::parse(&case.bytes) else {
            refused += 1;
            continue;
        };
        assert_ne!(
            case.kind, 2,
            "a high s is refused before any engine: {case:?}"
        );
        checks.push(Check {
            digest: B256::new(case.digest),
            signature,
            payer: case.payer,
        });
    }
    let items: Vec<_> = checks
        .iter()
        .map(|one| (one.digest, one.signature))
        .collect();
    let alone = |engine: &dyn Engine| -> Vec<Option<Address>> {
        let all = items.iter();
        all.map(|(digest, signature)| engine.recover(digest, signature))
            .collect()
    };
    let right = alone(&*engines.single[0]);
    let told = |at: usize| format!("{:?} {:?}", items[at].0, items[at].1.to_bytes());
    let agree = |engine: &dyn Engine, answers: &[Option<Address>]| {
        for (at, (one, other)) in right.iter().zip(answers).enumerate() {
            assert_eq!(one, other, "{}: {}", engine.name(), told(at));
        }
    };
    for engine in &engines.single[1..] {
        agree(&**engine, &alone(&**engine));
    }
    // Half of the checks ask for the one who did sign, whoever that is.
    for (check, right) in checks.iter_mut().zip(&right).step_by(2) {
        check.payer = right.unwrap_or(check.payer);
    }
    let wanted: Vec<bool> = checks
        .iter()
        .zip(&right)
        .map(|(check, right)| *right == Some(check.payer))
        .collect();
    for engine in &engines.batch {
        agree(&**engine, &engine.recover_all(&items));
        for (at, (one, other)) in wanted.iter().zip(engine.check_all(&checks)).enumerate() {
            assert_eq!(*one, other, "{}: {}", engine.name(), told(at));
        }
        for (at, check) in checks.iter().enumerate().step_by(8) {
            let answer = engine.check(&check.digest, &check.signature, &check.payer);
            assert_eq!(wanted[at], answer, "{}: {}", engine.name(), told(at));
        }
    }
    (
        wanted.iter().filter(|right| **right).count() as u64,
        refused,
    )
}
