-- The store, as its first format has it. Everything lies in a schema of its own.
-- Texts that are compared byte by byte have the collation "C", so that no update of the system's locales reorders them.

CREATE TABLE meta (name text COLLATE "C" PRIMARY KEY, value bigint NOT NULL DEFAULT 0, words text NOT NULL DEFAULT '');
INSERT INTO meta (name) VALUES ('revision'), ('integrations');

-- Who has a part of the store. In this format there is one part, and whoever has it has the whole store.
CREATE TABLE lease (name text PRIMARY KEY, part int NOT NULL UNIQUE, epoch int NOT NULL, owner text, since timestamptz);
INSERT INTO lease VALUES ('store', 0, 0, NULL, NULL);
CREATE TABLE gateway (id text PRIMARY KEY, name text NOT NULL, run bigint NOT NULL, beat bigint NOT NULL)
    WITH (fillfactor = 20);

-- Locks, and only then looks: whoever has the lock has the part until the end of the transaction. Being volatile it
-- reads the epoch with a snapshot that is taken behind the lock.
CREATE FUNCTION hold(p int, e int) RETURNS void LANGUAGE plpgsql VOLATILE SET search_path = ringbud AS $$
DECLARE found_epoch int;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7, p);
    SELECT epoch INTO found_epoch FROM lease WHERE part = p;
    IF found_epoch IS DISTINCT FROM e THEN
        RAISE EXCEPTION 'part % has epoch % now, not %', p, found_epoch, e USING ERRCODE = 'RB001';
    END IF;
END $$;

-- Written by every append: a transaction that writes nothing waits for no standby.
CREATE TABLE heard (pbx text COLLATE "C" PRIMARY KEY, at bigint NOT NULL) WITH (fillfactor = 20);

-- The judge of which events a leg has: each kind once, and none after its end. The columns behind `ended` are those of
-- the event it ended with, for sums, lists and forgetting.
CREATE TABLE leg (
    leg text COLLATE "C" PRIMARY KEY,
    pbx text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    call text COLLATE "C" NOT NULL,
    incoming bigint, answered bigint, outgoing bigint, ended bigint,
    ended_at bigint, begun_at bigint, outcome smallint, is_outgoing boolean, talk_secs bigint, ring_micros bigint,
    is_transferred boolean, employee text COLLATE "C", name text COLLATE "C",
    queue text COLLATE "C", wait_secs int, is_taken boolean
) WITH (fillfactor = 50);
CREATE INDEX leg_open ON leg (pbx) WHERE ended IS NULL;
CREATE INDEX leg_call ON leg (call);
CREATE INDEX leg_begun ON leg (account, begun_at) WHERE ended IS NOT NULL;
CREATE INDEX leg_ended ON leg (account, ended) WHERE ended IS NOT NULL;
CREATE INDEX leg_old ON leg (ended_at) WHERE ended IS NOT NULL;

-- Appended only.
CREATE TABLE event (
    seq bigint PRIMARY KEY,
    kind smallint NOT NULL,
    at bigint NOT NULL,
    received_at bigint NOT NULL,
    account text COLLATE "C" NOT NULL,
    leg text COLLATE "C" NOT NULL,
    call text COLLATE "C" NOT NULL,
    lane bigint NOT NULL,
    employee text COLLATE "C" NOT NULL,
    numbers text COLLATE "C" NOT NULL,
    owed int[] NOT NULL,
    body bytea NOT NULL
);
CREATE INDEX event_account ON event (account, seq);

CREATE TABLE pending (
    seq bigint,
    integration int,
    account text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    lane bigint NOT NULL,
    created_at bigint NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    held boolean NOT NULL DEFAULT false,
    due_at bigint,
    last text NOT NULL DEFAULT '',
    updated_at bigint,
    PRIMARY KEY (seq, integration)
) WITH (autovacuum_vacuum_threshold = 50000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0,
        vacuum_truncate = off);
CREATE TABLE given_up (
    seq bigint,
    integration int,
    account text COLLATE "C" NOT NULL,
    state smallint NOT NULL,
    attempts int NOT NULL,
    last text NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (seq, integration)
);
CREATE INDEX given_up_account ON given_up (account, seq);

-- Appended only. The key makes a settlement that is asked for twice nothing.
CREATE TABLE attempt (
    seq bigint,
    integration int,
    number int,
    delivered boolean NOT NULL,
    at bigint NOT NULL,
    last text NOT NULL,
    detail bytea,
    PRIMARY KEY (seq, integration, number)
);

CREATE TABLE note (pbx text COLLATE "C", channel text COLLATE "C", kept bytea NOT NULL, PRIMARY KEY (pbx, channel));
CREATE TABLE setting (
    kind smallint, owner text COLLATE "C", part text COLLATE "C", value text, version bigint NOT NULL,
    changed_at bigint NOT NULL, PRIMARY KEY (kind, owner, part)
);
CREATE TABLE failing (
    integration int, url text COLLATE "C", lasted bigint NOT NULL, PRIMARY KEY (integration, url)
);
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    kind smallint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    detail text NOT NULL,
    address text NOT NULL
);
CREATE INDEX audit_account ON audit (account, id);
CREATE INDEX audit_actor ON audit (actor, id);

-- How much there is, added up by each writer in a row of its own: they do not wait for each other.
CREATE TABLE tally (writer smallint PRIMARY KEY, events bigint NOT NULL, pending bigint NOT NULL) WITH (fillfactor = 20);
INSERT INTO tally VALUES (0, 0, 0), (1, 0, 0), (2, 0, 0);
