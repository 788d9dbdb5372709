//! What takes longer than a change may wait for: tests/long.

mod soak;
mod table;
