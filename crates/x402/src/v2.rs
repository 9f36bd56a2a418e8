//! Version 2: documents (x402-specification-v2.md, section 5).
//!
//! A document that was read keeps its text: it is written again as it came, with everything in it that is not known here.

mod payload;
mod required;
mod requirements;
mod resource;

pub(crate) use payload::Parts;
pub use payload::PaymentPayload;
pub use required::PaymentRequired;
pub(crate) use required::version;
pub use requirements::PaymentRequirements;
pub(crate) use requirements::timeout;
pub use resource::ResourceInfo;
