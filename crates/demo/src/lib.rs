//! What a visitor sees and a test needs: a PBX that plays recorded calls, a receiver, the terminal show.
