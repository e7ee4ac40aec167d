//! The real Asterisk is not for `cargo test`: it needs root and an installation. Nobody should take a green
//! run here for one with real calls.

use std::io::Write;

#[test]
fn the_live_lab_is_not_forgotten() {
    let runs_elsewhere = std::env::var_os("RINGBUD_LAB_RUNS_ELSEWHERE").is_some();
    if runs_elsewhere {
        return;
    }
    let words = "\n*** LEFT OUT: no real Asterisk, no real phones. `scripts/test` runs everything; `lab/run` the real calls. ***\n\n";
    // Not by the macros: those are hidden where the test passes.
    std::io::stderr().write_all(words.as_bytes()).unwrap();
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!in_ci, "in CI the tests are run by scripts/test, which runs the lab");
}
