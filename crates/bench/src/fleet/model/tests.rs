use super::*;

const COSTS: Costs =
    Costs { commit_us: 200.0, row_us: 15.0, gateway_us: 20.0, beside_us: 20.0, answer_us: 300.0 };

#[test]
fn who_is_flat_out_is_bounded_by_the_busier_core() {
    let told = Fleet::here(1, 1.0, COSTS).flat_out();
    // A delivery takes 40 µs of the one core, and two rows of the other.
    assert!((told.rate - 25_000.0).abs() < 500.0, "{told:?}");
    assert!(told.gateway > 0.98 && told.primary < 0.8 && told.a_commit > 500.0, "{told:?}");
    let told = Fleet::here(4, 1.0, Costs { row_us: 40.0, ..COSTS }).flat_out();
    assert!((told.rate - 12_450.0).abs() < 300.0 && told.primary > 0.95, "{told:?}");
}

#[test]
fn who_says_little_has_commits_of_his_own_and_who_says_more_shares_them() {
    let slow = Fleet::here(1, 1.0, COSTS).at(50.0);
    assert!((slow.a_commit - 1.0).abs() < 0.01 && slow.waiting < 2.0, "{slow:?}");
    let fast = Fleet::here(1, 1.0, COSTS).at(10_000.0);
    assert!(fast.a_commit > 3.0 && fast.waiting < 100.0, "{fast:?}");
    // The same events of as many gateways are as many commits.
    let many = Fleet::large(LARGE, COSTS).at(10_000.0);
    assert!(many.a_commit < fast.a_commit && many.primary > fast.primary, "{many:?}");
}
