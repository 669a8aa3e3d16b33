//! What happened, and who is told of it.

mod ends;
mod log;
