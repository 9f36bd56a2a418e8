//! Judgement and settlement of payments on any EVM chain.
