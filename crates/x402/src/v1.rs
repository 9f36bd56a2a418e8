//! Version 1: documents (x402-specification-v1.md, section 5). Its networks have short names, and its 402 is a JSON body.

mod payload;
mod required;
mod requirements;

pub use payload::PaymentPayload;
pub use required::PaymentRequired;
pub use requirements::PaymentRequirements;
