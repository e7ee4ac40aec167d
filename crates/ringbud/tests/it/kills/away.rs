//! PostgreSQL is away in every way it can be, while the gateway lives on under load and another stands by.

use std::time::{Duration, Instant};

use journal::conformance::engine::{Engine, Server, is_here};

use super::life::{Life, Standing};
use super::stage::Stage;
use super::told::Manner;
use super::{from_environment, judged};
use crate::way::Passage;

/// Deliveries never pause for longer, and the spool is empty so soon after: both are measured and told; this is what even a
/// machine that does much else keeps to.
const NEVER_LONGER: Duration = Duration::from_secs(30);

/// How long each lasts: as in the matrix where somebody asked for it, and shorter in CI.
struct Lasts {
    restarts: usize,
    lossy: Duration,
    without_standby: Duration,
    cut: Duration,
}

impl Lasts {
    fn wanted() -> Self {
        let secs = Duration::from_secs;
        match from_environment("RINGBUD_FLEET_KILLS") {
            Some(rounds) => Self {
                restarts: usize::try_from(rounds).unwrap(),
                lossy: secs(30),
                without_standby: secs(30),
                cut: secs(20),
            },
            None => Self { restarts: 2, lossy: secs(4), without_standby: secs(5), cut: secs(5) },
        }
    }
}

struct Row<'a> {
    stage: &'a Stage,
    life: &'a Life,
}

impl Row<'_> {
    /// Strikes, and mends after a while; how long nothing was told, and how soon after the mending the spool was empty.
    async fn is(&self, name: &str, strike: impl FnOnce(), lasts: Duration, mend: impl FnOnce()) {
        self.lasts_until(name, strike, tokio::time::sleep(lasts), mend).await;
    }

    /// The same of a strike that is not felt at once: it lasts until it was, if that takes longer.
    async fn is_felt(&self, name: &str, strike: impl FnOnce(), lasts: Duration, mend: impl FnOnce()) {
        let felt = self.life.merges_again(self.life.merges());
        let lasts = async { tokio::join!(tokio::time::sleep(lasts), felt).0 };
        self.lasts_until(name, strike, lasts, mend).await;
    }

    async fn lasts_until(
        &self,
        name: &str,
        strike: impl FnOnce(),
        lasts: impl Future<Output = ()>,
        mend: impl FnOnce(),
    ) {
        let Self { stage, life } = self;
        let (merges, began) = (life.merges(), journal::clock::system()().0);
        tokio::task::block_in_place(strike);
        lasts.await;
        let away = stage.told.longest_pause(began);
        tokio::task::block_in_place(mend);
        let mended = Instant::now();
        life.merges_again(merges).await;
        let merged = mended.elapsed();
        let pause = stage.told.longest_pause(began);
        println!(
            "{name}: deliveries paused for {pause:?} at most ({away:?} while it was away); merged {merged:?} after"
        );
        assert!(pause < NEVER_LONGER && merged < NEVER_LONGER, "{name}: {pause:?}, {merged:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_away_in_every_way_and_calls_are_told_on_and_nobody_takes_over() {
    if !is_here() {
        return;
    }
    let lasts = Lasts::wanted();
    let seed = from_environment("RINGBUD_KILLS_SEED").unwrap_or(1);
    let stage = Stage::set_beyond_a_way(seed, Engine::start(2)).await;
    let feeding = stage.play();
    let life = stage.live_on(0);
    life.reaches(Standing::Followed).await;

    // It dies while PostgreSQL is away, with a spool.
    tokio::task::block_in_place(|| stage.with_engine(|engine| engine.servers[0].kill()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    life.die().await;
    stage.played.life_is_over();
    stage.told.life_is_over().await;
    tokio::task::block_in_place(|| stage.with_engine(|engine| engine.servers[0].run()));
    let life = stage.live_on(0);
    life.reaches(Standing::Followed).await;

    let second = stage.live_on(1);
    second.reaches(Standing::StandsBy).await;
    stage.told.behave(Manner::Slow);
    let row = Row { stage: &stage, life: &life };
    for _ in 0..lasts.restarts {
        let kill = || stage.with_engine(|engine| engine.servers[0].kill());
        let run = || stage.with_engine(|engine| engine.servers[0].run());
        row.is("the primary is restarted in place", kill, Duration::from_millis(300), run).await;
    }
    let there = &stage;
    let passage = |passage| move || there.way_becomes(passage);
    // Of few answers it may be that none is lost of what was written.
    row.is_felt("answers are lost", passage(Passage::Loses(30)), lasts.lossy, passage(Passage::Open)).await;
    let kill = || stage.with_engine(|engine| engine.servers[1..].iter_mut().for_each(Server::kill));
    let run = || stage.with_engine(|engine| engine.servers[1..].iter_mut().for_each(Server::run));
    row.is("no standby confirms", kill, lasts.without_standby, run).await;
    row.is("the way is cut", passage(Passage::Cut), lasts.cut, passage(Passage::Open)).await;
    row.is("a standby is promoted", || stage.with_engine(Engine::fail_over), Duration::ZERO, || ()).await;
    assert!(second.standing() == Standing::StandsBy, "it took over from one that lived");
    second.end_in_order().await;
    judged(&stage, feeding, life, &format!("RINGBUD_KILLS_SEED={seed}")).await;
}
