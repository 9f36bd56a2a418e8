//! Extractors and responses for paid axum routes.
