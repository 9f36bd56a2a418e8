//! An embedded EVM chain, a lying facilitator and joint tests for software that pays over HTTP 402.
