//! Every part of the program that runs by itself, and what follows when it dies.

/// What follows when a part dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Others cannot do without it, and what it knew is gone: the process ends, and begins again from what is
    /// kept.
    EndsTheProcess,
    /// It knows nothing that is not kept elsewhere: it begins anew, a bounded number of times.
    BeginsAnew,
    /// One piece of work among many: whoever waits for this piece is told, all others go on.
    FailsAlone,
}

macro_rules! parts {
    ($($(#[doc = $doc:literal])* $part:ident: $label:literal, $says:literal, $fate:ident;)*) => {
        /// A part of the program that runs by itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Part { $($(#[doc = $doc])* $part,)* }

        impl Part {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$part,)*];

            /// One word for figures and for the name of a thread.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$part => $label,)* }
            }

            /// What it is, in a sentence that goes on with "died".
            pub const fn says(self) -> &'static str {
                match self { $(Self::$part => $says,)* }
            }

            /// What follows when it dies.
            pub const fn fate(self) -> Fate {
                match self { $(Self::$part => Fate::$fate,)* }
            }
        }
    };
}

parts! {
    /// Connects to a PBX, reads it and works out its calls: its channels are in its memory alone.
    PbxTask: "pbx", "the part that follows a PBX", EndsTheProcess;
    /// Drains the socket of one link. The part that follows the PBX makes another link.
    LinkDrain: "link-drain", "the reader of one link to a PBX", FailsAlone;
    /// Keeps the events of a PBX.
    EventWriter: "event-writer", "the part that keeps events", EndsTheProcess;
    /// Writes down phones that were seen for the first time.
    Learner: "learner", "the part that writes down new phones", BeginsAnew;
    /// The one thread that writes the journal.
    JournalWriter: "journal-writer", "the journal's writer", EndsTheProcess;
    /// Rolls events up for lists and reports.
    JournalRollup: "journal-rollup", "the journal's rollup", BeginsAnew;
    /// Carries the journal's log into its file.
    JournalCheckpoint: "journal-checkpoint", "the journal's checkpoint", BeginsAnew;
    /// One question to the journal.
    JournalQuestion: "journal-question", "a question to the journal", FailsAlone;
    /// Writes groups of events, or of outcomes, to the journal on PostgreSQL.
    JournalGroups: "journal-groups", "a writer of the journal on PostgreSQL", EndsTheProcess;
    /// Says on PostgreSQL that this gateway lives, and learns whether the store is still its own.
    JournalBeat: "journal-beat", "the beat of the journal on PostgreSQL", EndsTheProcess;
    /// Drives one connection to PostgreSQL; whoever used it makes another.
    JournalConnection: "journal-connection", "a connection to PostgreSQL", FailsAlone;
    /// Waits for an answer of PostgreSQL that is late.
    JournalLate: "journal-late", "the wait for a late answer of PostgreSQL", FailsAlone;
    /// Writes to the spool, or reads it: whoever asked is told.
    JournalSpool: "journal-spool", "a piece of work on the spool", FailsAlone;
    /// Brings what is in the spool to PostgreSQL.
    JournalMerge: "journal-merge", "the merging of the spool", BeginsAnew;
    /// Looks through a large store for damage.
    DamageCheck: "damage-check", "the check of the store for damage", BeginsAnew;
    /// Reads the bodies of what is to be sent.
    SenderBodies: "sender-bodies", "the sender's reader of events", EndsTheProcess;
    /// Puts the outcomes of requests on disk.
    SenderSettler: "sender-settler", "the sender's writer of outcomes", EndsTheProcess;
    /// Starts what is due.
    SenderClock: "sender-clock", "the sender's clock", EndsTheProcess;
    /// Tells the sender of settings that changed.
    SenderSettings: "sender-settings", "the part that tells the sender of new settings", EndsTheProcess;
    /// Makes requests one after the other and hands their outcomes in.
    SenderWorker: "sender-worker", "a worker of the sender", EndsTheProcess;
    /// One request to a web service: counts as one that failed.
    DeliveryAttempt: "delivery-attempt", "a request to a web service", FailsAlone;
    /// Notes how long webhooks have failed.
    FailingNotes: "failing-notes", "the part that notes how long webhooks fail", BeginsAnew;
    /// Closes unused connections and sets the sender's gauges.
    SenderTidy: "sender-tidy", "the part that closes unused connections", BeginsAnew;
    /// Pauses a webhook that has failed for too long.
    WebhookPausing: "webhook-pausing", "the pausing of a webhook", BeginsAnew;
    /// A test call.
    TestCall: "test-call", "a test call", FailsAlone;
    /// A connection to a web service that speaks HTTP/2.
    OutgoingConnection: "outgoing-connection", "a connection to a web service", FailsAlone;
    /// One name that is looked up.
    NameLookup: "name-lookup", "the resolving of a name", FailsAlone;
    /// Tells the operator's web service.
    OperatorNotifier: "operator-notifier", "the part that tells the operator", BeginsAnew;
    /// Tells accounts of their web services.
    AccountNotifier: "account-notifier", "the part that tells accounts", BeginsAnew;
    /// Looks for what the operator is to be told.
    OperatorWatch: "operator-watch", "the part that looks for what to tell the operator", BeginsAnew;
    /// Takes in settings that other processes changed.
    SettingsRefresh: "settings-refresh", "the part that takes in settings", BeginsAnew;
    /// Forgets what is not kept any longer.
    Forgetting: "forgetting", "the part that forgets what is old", BeginsAnew;
    /// Sets gauges.
    Gauges: "gauges", "the part that sets gauges", BeginsAnew;
    /// Sets the gauges that take looking for: paused webhooks, the disk.
    SlowGauges: "slow-gauges", "the part that sets slow gauges", BeginsAnew;
    /// Tells those who look at a board that a link changed.
    LinkWatch: "link-watch", "the part that watches the links", BeginsAnew;
    /// Takes HTTP connections.
    HttpServer: "http-server", "the HTTP server", EndsTheProcess;
    /// Takes up certificates that change.
    CertificateWatch: "certificate-watch", "the part that takes up certificates", BeginsAnew;
    /// Tells systemd how it is doing.
    Supervision: "supervision", "the part that tells systemd", BeginsAnew;
    /// One HTTP connection.
    HttpConnection: "http-connection", "an HTTP connection", FailsAlone;
    /// Draws the live board of an account for all who look at it; their browsers come again.
    BoardDrawing: "board-drawing", "the drawing of a live board", FailsAlone;
    /// Sends one viewer what is drawn.
    BoardViewer: "board-viewer", "a viewer's live board", FailsAlone;
    /// Hashes one password.
    PasswordHash: "password-hash", "the hashing of a password", FailsAlone;
    /// Stops everything in order.
    Stopping: "stopping", "the stop in order", EndsTheProcess;
    /// What the demo shows.
    Show: "show", "the show", FailsAlone;
}
