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

# What stands under the program: licences, advisories, sources (needs cargo-deny)
deny:
    cargo deny check

# Change snapshots after looking at them
snapshots:
    INSTA_UPDATE=always cargo test --workspace
    git diff --stat -- '*.snap'
