//! A reqwest client that pays HTTP 402 under a spending policy.
