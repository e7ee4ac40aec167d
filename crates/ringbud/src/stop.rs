//! How the parts of the program are told to stop.

use tokio::sync::watch;

/// Says stop.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Hears it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// A pair of both.
pub fn stop() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// Tells everybody.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stop {
    /// Comes back when stop was said, or nobody is left to say it.
    pub async fn called(&mut self) {
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Whether it was said, or nobody is left to say it.
    pub fn is_called(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}
