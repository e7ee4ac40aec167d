//! What holds on all three surfaces: the API, the window, and the room that the command line goes through.

mod audit;
mod changes;
mod deliveries;
mod proof;
mod secrets;
mod test_calls;

use admin::Actor;

/// Who sits at the machine.
fn at_machine() -> Actor {
    Actor::machine("olga")
}
