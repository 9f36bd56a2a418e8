//! Client and server of the x402 facilitator API: verify, settle, supported.
