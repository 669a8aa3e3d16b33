//! Runs a target of `linecard::fuzz` by its name.

/// Feeds a target.
///
/// # Panics
/// Where the target does, and for an unknown one.
pub fn run(name: &str, bytes: &[u8]) {
    let target = linecard::fuzz::TARGETS.iter().find(|(known, _)| *known == name);
    (target.expect("a target of that name").1)(bytes);
}
