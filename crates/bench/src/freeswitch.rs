//! The same with a FreeSWITCH: a call is a dozen events of seven kilobytes there.

use bytes::Bytes;
use demo::switch::{Switch, SwitchLoad, SwitchOptions};

use crate::fill::{Hooks, Store};
use crate::gateway::{A_CALL, EMPLOYEES, Program, Run};
use crate::receiver::Receiver;
use crate::{Scale, clock};

/// Accounts that are called.
const ACCOUNTS: usize = 10;
/// Three deliveries each.
const CALLS: usize = 20_000;
/// Before the clock runs.
const WARM_UP_CALLS: usize = 2_000;
/// Written out and said at a time.
const AT_A_TIME: usize = 250;
/// No more calls are said than these before their requests have come: whoever falls behind by some hundred megabytes
/// leaves a FreeSWITCH, for its sake.
const AHEAD: usize = 1_250;

/// What a run showed.
pub(crate) struct SwitchRun {
    pub(crate) run: Run,
    pub(crate) events_a_call: f64,
    pub(crate) bytes_a_call: f64,
}

/// One run on a fresh store, signed and with every attempt kept.
pub(crate) async fn flat_out(
    program: &Program,
    receiver: &Receiver,
    scale: Scale,
) -> anyhow::Result<SwitchRun> {
    let folder = program.folder()?;
    let store = Store::make(folder.path()).await?;
    store.accounts(1000, ACCOUNTS, |_| Hooks::all(receiver.url("/hook"), true)).await?;
    drop(store);
    let switch = Switch::start(SwitchOptions::default()).await?;
    let gateway = program.serve(folder.path(), &switch, true).await?;
    let mut load = SwitchLoad::new(ACCOUNTS, EMPLOYEES, &switch.core_uuid());
    say(&switch, receiver, &mut load, scale.of(WARM_UP_CALLS)).await?;
    let calls = scale.of(CALLS);
    let began = gateway.begins()?;
    let report = say(&switch, receiver, &mut load, calls).await?;
    Ok(SwitchRun {
        run: gateway.ran(began, &report).await?,
        events_a_call: load.messages_per_call() as f64,
        bytes_a_call: load.bytes_per_call() as f64,
    })
}

/// Says so many calls and waits for all their requests.
async fn say(
    switch: &Switch,
    receiver: &Receiver,
    load: &mut SwitchLoad,
    calls: usize,
) -> anyhow::Result<crate::receiver::Report> {
    receiver.reset().await?;
    let mut said = 0;
    while said < calls {
        let now = AT_A_TIME.min(calls - said);
        let mut out = Vec::with_capacity((now + 250) * load.bytes_per_call());
        for _ in 0..now {
            load.call(clock::now_us(), &mut out);
        }
        said += now;
        if said == calls {
            load.finish(clock::now_us(), &mut out);
        }
        switch.say(Bytes::from(out)).await;
        receiver.wait_for(said.saturating_sub(AHEAD) as u64 * A_CALL).await?;
    }
    receiver.wait_for(calls as u64 * A_CALL).await
}
