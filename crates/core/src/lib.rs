//! The nouns and the seams of http402: amounts, chains, requirements, authorizations, claims, verdicts, settlements.
