//! Executes what the machines want done.
