//! Plays recordings on the demo FreeSWITCH: in every company one call after the other.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Switch;
use super::recording::{Part, Recording};
use crate::cast::{self, Account};
use crate::player::{Begun, NoSuchShape};
use crate::rng::Rng;

/// Between two calls of a company, on average.
const MEAN_PAUSE: Duration = Duration::from_secs(5);

macro_rules! programme {
    ($($name:literal $title:literal,)*) => {
        &[$((
            $name,
            $title,
            include_bytes!(concat!("../../../../traces/freeswitch/", $name, ".tracker.esl.gz")),
        )),*]
    };
}

/// Recording, what happens, its bytes.
const PROGRAMME: &[(&str, &str, &[u8])] = programme![
    "inbound-answered" "A customer rings, the employee answers",
    "inbound-unanswered-caller-hangs-up" "A customer rings and gives up before an answer",
    "outbound-answered" "An employee rings a customer, who answers",
    "internal-answered" "One employee rings another",
    "ring-group-second-answers" "A ring group: three phones ring, one answers",
    "ring-group-loopback" "A ring group over helper channels: two phones ring, one answers",
    "queue-answered-ringall" "A queue rings two phones, one answers",
    "blind-transfer-to-employee" "The employee sends the customer on to a colleague",
    "blind-transfer-by-feature-code" "The same, by a feature code",
    "attended-transfer-to-employee" "The employee asks a colleague first, then transfers",
    "attended-transfer-while-ringing" "The employee transfers while the colleague's phone still rings",
    "forward-302-to-employee" "The phone sends the call on to a colleague by itself",
    "pickup-group" "A colleague picks up a ringing call",
    "parking-retrieve" "A call is parked and fetched by a colleague",
    "originate-click-to-call" "Click-to-call: the employee's own phone first, then the customer",
    "voicemail" "Nobody answers, the customer speaks to the voicemail",
];

/// How the programme is played.
#[derive(Clone, Debug)]
pub struct ActPlan {
    /// The same seed gives the same calls in the same order.
    pub seed: u64,
    /// How many times faster than life.
    pub speed: f64,
    /// Each recording once, then the end; else for ever, by chance.
    pub once: bool,
    /// Only these recordings; none means all.
    pub only: Vec<String>,
}

/// Whether there are recordings of these names.
///
/// # Errors
/// The first name that is none.
pub fn known(names: &[&str]) -> Result<(), NoSuchShape> {
    let all = || PROGRAMME.iter().map(|(name, _, _)| *name);
    match names.iter().find(|name| !all().any(|known| known == **name)) {
        Some(unknown) => {
            let known = all().collect::<Vec<_>>().join(", ");
            Err(NoSuchShape { asked: (*unknown).to_owned(), known })
        }
        None => Ok(()),
    }
}

/// Plays until the end (`once`) or for ever; stop it by dropping. Tells of each call that begins, as far as
/// somebody listens.
pub async fn play(switch: &Switch, plan: ActPlan, begun: mpsc::Sender<Begun>) {
    let programme: Vec<_> = PROGRAMME
        .iter()
        .filter(|(name, _, _)| plan.only.is_empty() || plan.only.iter().any(|only| only == name))
        .map(|(name, title, bytes)| (*name, *title, Recording::read(bytes)))
        .collect();
    if programme.is_empty() {
        return;
    }
    let companies = cast::ACCOUNTS.len();
    let one = |index: usize| {
        let share: Vec<_> = match plan.once {
            true => (index..programme.len()).step_by(companies).collect(),
            false => (0..programme.len()).collect(),
        };
        let rng = Rng::new(plan.seed.wrapping_add(index as u64));
        company(switch, &cast::ACCOUNTS[index], &programme, share, &plan, rng, begun.clone())
    };
    tokio::join!(one(0), one(companies - 1));
}

async fn company(
    switch: &Switch,
    account: &'static Account,
    programme: &[(&'static str, &'static str, Recording)],
    share: Vec<usize>,
    plan: &ActPlan,
    mut rng: Rng,
    begun: mpsc::Sender<Begun>,
) {
    let speed = if plan.speed.is_finite() { plan.speed.max(0.01) } else { 1.0 };
    let mut left = share.iter().copied();
    loop {
        let index = match plan.once {
            true => match left.next() {
                Some(index) => index,
                None => return,
            },
            false => share[usize::try_from(rng.roll() % share.len().max(1) as u64).unwrap_or(0)],
        };
        let Some((name, title, recording)) = programme.get(index) else { return };
        let everybody: Vec<_> = account.employees.iter().collect();
        let employees = rng.pick(&everybody, recording.employees);
        let _ = begun.try_send(Begun { shape: (*name).to_owned(), title, account: account.id });
        let mut part = Part::new(recording, account, employees, Rng::new(rng.roll()));
        while let Some(after) = part.next_after() {
            tokio::time::sleep(after.div_f64(speed)).await;
            if let Some(lines) = part.next() {
                switch.happens(&lines).await;
            }
        }
        tokio::time::sleep(rng.around(MEAN_PAUSE).div_f64(speed)).await;
    }
}
