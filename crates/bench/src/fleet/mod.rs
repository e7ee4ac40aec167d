//! Several gateways on one PostgreSQL: what a delivery costs its primary, how groups form, how many gateways give how
//! many deliveries; and beside it what the model foretells of the same.
//!
//! The engine has a core of its own, and everything else the other one: gateways, receiver, PBXs. One that keeps its
//! store embedded is measured alike in the same run.

mod ground;
mod model;
mod primary;

use crate::Scale;
use crate::gateway::{A_CALL, Program};
use crate::receiver::Receiver;
use crate::results::{Results, Series};
use ground::{Case, Ground, Seen};
use model::{Costs, Fleet, Foretold, LARGE};

/// Three deliveries each.
const CALLS: usize = 20_000;
/// How long a case of a pace runs, in seconds.
const PACED_SECS: usize = 10;
/// Events a second of one gateway, from groups of one to large ones.
const PACES: [usize; 3] = [50, 500, 2_000];
/// So many PBXs say so many events a second together: each says little.
const MANY_PBXS: usize = 40;
const MANY_PBXS_PACE: usize = 500;
/// How many gateways share the PBXs, each with so many.
const GATEWAYS: [usize; 3] = [1, 2, 4];
const PBXS_A_GATEWAY: usize = 4;
/// How long a commit is taken to wait besides what it computes: for the disk, or for the standby that has to have it.
const ANSWER_US: f64 = 500.0;
/// Events a second of a large fleet.
const LARGE_PACE: f64 = 10_000.0;

/// A round: one with a store of its own, the fleets flat out, one gateway at each pace, many PBXs.
struct Round {
    embedded: Seen,
    fleets: Vec<Seen>,
    paces: Vec<Seen>,
    many: Seen,
}

impl Round {
    /// The part of the gateways' core that was had: others may use the machine.
    fn share(&self) -> f64 {
        let one = &self.fleets[0];
        ((one.gateway_us + one.beside_us) * one.rate / 1e6).clamp(0.01, 1.0)
    }

    /// What a transaction costs the primary, and what each delivery in it: by all cases of one gateway with few PBXs.
    fn costs(&self) -> Costs {
        let cases = || self.paces.iter().chain([&self.fleets[0]]);
        let (fixed, each) = line(cases().map(|seen| (1.0 / seen.a_commit, seen.primary_us)));
        // A delivery is two rows, each in a commit of its own.
        Costs {
            commit_us: fixed.max(0.0) / 2.0,
            row_us: each.max(0.0) / 2.0,
            gateway_us: self.fleets[0].gateway_us,
            beside_us: self.fleets[0].beside_us,
            answer_us: ANSWER_US,
        }
    }
}

/// The line through these points by least squares of what it is off by, in parts of each: how steep, and where it
/// begins.
fn line(points: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    let points: Vec<(f64, f64)> = points.filter(|(_, y)| *y > 0.0).collect();
    let sum = |of: fn(f64, f64) -> f64| points.iter().map(|(x, y)| of(*x, *y) / (y * y)).sum::<f64>();
    let (weight, x, y) = (sum(|_, _| 1.0), sum(|x, _| x), sum(|_, y| y));
    let (xx, xy) = (sum(|x, _| x * x), sum(|x, y| x * y));
    let under = weight * xx - x * x;
    let steep = if under > 0.0 { (weight * xy - x * y) / under } else { 0.0 };
    (steep, (y - steep * x) / weight)
}

pub(crate) async fn run(program: &Program, scale: Scale, results: &mut Results) -> anyhow::Result<()> {
    primary::pin_to(std::process::id(), primary::OTHERS)?;
    let receiver = Receiver::start()?;
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        eprintln!("fleet: round {} of {}", round + 1, scale.rounds);
        rounds.push(measure(program, &receiver, scale).await?);
    }
    show(&rounds, results);
    foretell(&rounds, results);
    Ok(())
}

async fn measure(program: &Program, receiver: &Receiver, scale: Scale) -> anyhow::Result<Round> {
    let calls = scale.of(CALLS);
    let flat_out = |gateways: usize| Case { gateways, pbxs: gateways * PBXS_A_GATEWAY, calls, pace: None };
    let paced = |pbxs: usize, pace: usize| Case {
        gateways: 1,
        pbxs,
        calls: scale.of(pace * PACED_SECS) / A_CALL as usize,
        pace: Some(pace as f64),
    };
    let embedded = Ground::embedded(program, receiver, PBXS_A_GATEWAY).await?;
    let embedded = embedded.play(receiver, &flat_out(1)).await?;
    let (mut fleets, mut paces) = (Vec::new(), Vec::new());
    for gateways in GATEWAYS {
        let case = flat_out(gateways);
        fleets.push(Ground::on_postgresql(program, receiver, &case).await?.play(receiver, &case).await?);
    }
    for pace in PACES {
        let case = paced(1, pace);
        paces.push(Ground::on_postgresql(program, receiver, &case).await?.play(receiver, &case).await?);
    }
    let case = paced(MANY_PBXS, MANY_PBXS_PACE);
    let many = Ground::on_postgresql(program, receiver, &case).await?.play(receiver, &case).await?;
    Ok(Round { embedded, fleets, paces, many })
}

fn show(rounds: &[Round], results: &mut Results) {
    results.heading("Gateways on one PostgreSQL (a core of its own), flat out, beside a store of its own");
    results.note(
        "fleet_embedded_per_s",
        "embedded, deliveries/s",
        &Series::of(rounds, |round| round.embedded.rate),
    );
    for (at, gateways) in GATEWAYS.into_iter().enumerate() {
        let of = |figure: fn(&Seen) -> f64| Series::of(rounds, |round| figure(&round.fleets[at]));
        results.note(
            &format!("fleet_{gateways}_per_s"),
            &format!("{gateways} gateways, deliveries/s"),
            &of(|seen| seen.rate),
        );
        let ratio = Series::of(rounds, |round| round.fleets[at].rate / round.embedded.rate);
        results.note(&format!("fleet_{gateways}_to_embedded"), "  all of them, to embedded", &ratio);
        results.show("  deliveries a commit of the engine", &of(|seen| seen.a_commit));
        results.note(
            &format!("fleet_{gateways}_primary_us"),
            "  the primary's CPU a delivery, µs",
            &of(|seen| seen.primary_us),
        );
        results.show("  the gateways' CPU a delivery, µs", &of(|seen| seen.gateway_us));
    }
    results.heading("One gateway: what a delivery costs the primary by how many share a commit");
    let paces = PACES.iter().enumerate().map(|(at, pace)| (format!("{pace} events/s of one PBX"), Some(at)));
    let many = (format!("{MANY_PBXS_PACE} events/s of {MANY_PBXS} PBXs"), None);
    for (words, at) in paces.chain([many]) {
        let seen = |round: &Round, figure: fn(&Seen) -> f64| match at {
            Some(at) => figure(&round.paces[at]),
            None => figure(&round.many),
        };
        results.show(&words, &Series::of(rounds, |round| seen(round, |seen| seen.rate)));
        results.show("  deliveries a commit", &Series::of(rounds, |round| seen(round, |seen| seen.a_commit)));
        let cost = Series::of(rounds, |round| seen(round, |seen| seen.primary_us));
        results.note(
            &format!("primary_us_at_{}", words.replace([' ', '/'], "_")),
            "  the primary's CPU a delivery, µs",
            &cost,
        );
    }
}

/// The model, fed with each round's costs of one gateway, beside what was measured of more; then a large fleet.
fn foretell(rounds: &[Round], results: &mut Results) {
    results.heading("The model, fed with the costs of one gateway");
    results.show("a commit of the primary, µs", &Series::of(rounds, |round| round.costs().commit_us));
    results.show("each delivery in it, µs", &Series::of(rounds, |round| round.costs().row_us));
    for (at, gateways) in GATEWAYS.into_iter().enumerate() {
        let told = |round: &Round| Fleet::here(gateways, round.share(), round.costs()).flat_out();
        results.show(
            &format!("{gateways} gateways here, deliveries/s"),
            &Series::of(rounds, |round| told(round).rate),
        );
        results.note(
            &format!("model_{gateways}_to_measured"),
            "  to what was measured",
            &Series::of(rounds, |round| told(round).rate / round.fleets[at].rate),
        );
    }
    for gateways in [LARGE, LARGE - 1] {
        let told: Vec<Foretold> =
            rounds.iter().map(|round| Fleet::large(gateways, round.costs()).at(LARGE_PACE)).collect();
        let of = |figure: fn(&Foretold) -> f64| Series::of(&told, figure);
        results.heading(&format!(
            "{gateways} gateways at {LARGE_PACE} events/s, a million employees (the model)"
        ));
        results.note(
            &format!("model_{gateways}_primary_cores"),
            "the primary, cores",
            &of(|told| told.primary),
        );
        results.show("the busiest gateway, of its core", &of(|told| told.gateway));
        results.show("rows a commit", &of(|told| told.a_commit));
        results.show("from the PBX's word to the post, p99, ms", &of(|told| told.p99_ms));
        results.show("events waiting at the end", &of(|told| told.waiting));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_line_through_points_on_a_line_is_that_line() {
        let (steep, begins) = super::line([0.01, 0.1, 1.0].into_iter().map(|x| (x, 400.0 * x + 30.0)));
        assert!((steep - 400.0).abs() < 1e-6 && (begins - 30.0).abs() < 1e-6, "{steep} {begins}");
    }
}
