//! `ringbud`, the program.

fn main() {}
