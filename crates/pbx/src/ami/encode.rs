//! Writes actions.
//!
//! Whatever a value holds, it cannot become another header or another action: line breaks and other control
//! characters are left out.

/// One action on its way to Asterisk.
pub struct Action {
    bytes: Vec<u8>,
}

impl Action {
    /// An action, with the id its answer will bear.
    pub fn new(name: &str, id: &str) -> Self {
        Self { bytes: Vec::with_capacity(128) }.with("Action", name).with("ActionID", id)
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.push(name);
        self.bytes.extend_from_slice(b": ");
        self.push(value);
        self.bytes.extend_from_slice(b"\r\n");
        self
    }

    /// The action as it is sent.
    pub fn encode(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes
    }

    fn push(&mut self, text: &str) {
        self.bytes.extend(text.bytes().filter(|byte| !byte.is_ascii_control()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_headers_and_a_blank_line() {
        let action = Action::new("Login", "1").with("Username", "ringbud");
        assert_eq!(action.encode(), b"Action: Login\r\nActionID: 1\r\nUsername: ringbud\r\n\r\n");
    }

    #[test]
    fn a_value_cannot_become_another_action() {
        let action = Action::new("Login", "1").with("Username", "x\r\n\r\nAction: Originate\0");
        assert_eq!(action.encode(), b"Action: Login\r\nActionID: 1\r\nUsername: xAction: Originate\r\n\r\n");
    }
}
