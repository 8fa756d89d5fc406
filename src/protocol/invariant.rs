//! Named safety properties.
