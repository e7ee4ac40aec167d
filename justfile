# `just` lists what can be done. `just check` is what every change has to pass.

_default:
    @just --list

# Format, lints, docs, tests: all that needs no Asterisk
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
    cargo test --workspace --locked

# Every test, with a real Asterisk and real phones
test:
    scripts/test

# The demo: a PBX that plays, the gateway, a receiver
demo *ARGS:
    cargo run --release --locked -- demo {{ARGS}}

# What it costs: `just bench delivery`, latency, isolation, backlog, restart, memory, sustained (an hour; so many minutes: MANY) or all (the whole program, into target/bench/results.json); tracker, sender, journal (with what it costs at MANY kept legs), codec, window (MANY calls); fleet (several gateways on a PostgreSQL 15 of its own, as often as MANY says)
bench WHAT="tracker" MANY="":
    #!/usr/bin/env bash
    set -euo pipefail
    many={{MANY}}
    case {{WHAT}} in
      tracker) cargo run --release --locked -p calls --example tracker ;;
      delivery|latency|isolation|backlog|restart|memory|sustained|all)
        cargo build --release --locked -p ringbud -p bench
        "${CARGO_TARGET_DIR:-target}/release/bench" {{WHAT}} --minutes "${many:-60}" ;;
      fleet)
        cargo build --release --locked -p ringbud -p bench
        "${CARGO_TARGET_DIR:-target}/release/bench" fleet --rounds "${many:-5}" ;;
      sender) cargo bench --locked -p delivery ;;
      journal)
        cargo run --release --locked -p journal --example throughput
        for kept in 1000 100000 ${many}; do
          cargo run --release --locked -p journal --example counted 30000 150 "$kept"
        done ;;
      codec) cargo run --release --locked -p pbx --example split ;;
      window) cargo run --release --locked -p web --example pages "${many:-1000000}" ;;
      *) echo "delivery, latency, isolation, backlog, restart, memory, sustained, fleet or all; tracker, sender, journal, codec or window" >&2
         exit 2 ;;
    esac

# Random calls for longer than CI does: so many rounds of twelve calls each, in every way
soak ROUNDS="50000":
    CALLS_ROUNDS={{ROUNDS}} cargo test --release --locked -p calls --test it properties

# PostgreSQL is away in every way it can be while calls go on: started again so often, half a minute without standbys or a way to it
fleet-kills ROUNDS="10" SEED="1":
    RINGBUD_FLEET_KILLS={{ROUNDS}} RINGBUD_KILLS_SEED={{SEED}} cargo test --locked -p ringbud --test it -- away sharing_cuts --nocapture

# The whole program killed under load, so often, and what it told held against what the PBXs did
kills ROUNDS="300" SEED="1":
    RINGBUD_KILLS={{ROUNDS}} RINGBUD_KILLS_SEED={{SEED}} cargo test --locked -p ringbud --test it kills -- --nocapture

# Two versions share a PostgreSQL under load, that of an older commit and this one, and one of them is gone so often
fleet-versions OLD_REF ROUNDS="10" SEED="1":
    scripts/fleet-versions {{OLD_REF}} {{ROUNDS}} {{SEED}}

# The real Patroni beneath two gateways, and what takes writes killed so often (PostgreSQL 15 has to be there)
fleet-patroni ROUNDS="9" SEED="1":
    scripts/patroni "$PWD/target/patroni"
    RINGBUD_PATRONI="$PWD/target/patroni" RINGBUD_KILLS={{ROUNDS}} RINGBUD_KILLS_SEED={{SEED}} \
        cargo test --locked -p ringbud --test it on_patroni -- --ignored --nocapture

# A store that an older program left, with so many legs in it, is taken over beside the calls
taken-over LEGS="1000000":
    RINGBUD_TAKEN_OVER={{LEGS}} cargo test --release --locked -p journal --test it taking_over -- --nocapture

# What stands under the program: licences, advisories, sources (needs cargo-deny)
deny:
    cargo deny check

# Change snapshots after looking at them
snapshots:
    INSTA_UPDATE=always cargo test --workspace
    git diff --stat -- '*.snap'
