-- The ledger on SQLite.  One file; every commit is one transaction.  Instants are microseconds since 1970, UTC.

CREATE TABLE IF NOT EXISTS ledger (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    ledger_id      TEXT NOT NULL,    -- a restore creates a new one
    secret         BLOB NOT NULL,    -- key of content digests and vault tokens
    schema_version INTEGER NOT NULL
) STRICT;

-- The events.  position is gapless and in commit order.
CREATE TABLE IF NOT EXISTS stored_events (
    position           INTEGER PRIMARY KEY,
    originator_id      TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic              TEXT NOT NULL,
    state              BLOB NOT NULL,
    UNIQUE (originator_id, originator_version)
) STRICT;

-- One row per commit: the fence, the worker that decided, and the hash chain that reveals tampering.
CREATE TABLE IF NOT EXISTS commits (
    number         INTEGER PRIMARY KEY,
    partition      INTEGER NOT NULL,
    topic_id       TEXT NOT NULL,
    from_offset    INTEGER NOT NULL,
    next_offset    INTEGER NOT NULL,
    worker         TEXT NOT NULL,
    build          TEXT NOT NULL,
    batch_id       TEXT NOT NULL UNIQUE,
    recorded_at    INTEGER NOT NULL,
    first_position INTEGER NOT NULL,  -- last_position + 1 if it holds no event
    last_position  INTEGER NOT NULL,
    first_outcome  INTEGER NOT NULL,
    last_outcome   INTEGER NOT NULL,
    hash           BLOB NOT NULL      -- sha256(hash of the partition's previous commit, this row, messages, outcomes, events)
) STRICT;
CREATE INDEX IF NOT EXISTS commits_by_partition ON commits (partition, number);
CREATE INDEX IF NOT EXISTS commits_by_position ON commits (last_position, number);
CREATE INDEX IF NOT EXISTS commits_by_instant ON commits (recorded_at);

-- Every message ever decided, kept for ever: 16 bytes of identity, 16 of content.
CREATE TABLE IF NOT EXISTS inbox (
    key    BLOB PRIMARY KEY,
    digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The messages as they were decided: canonical JSON lines compressed with zlib, one row per commit.
CREATE TABLE IF NOT EXISTS messages (
    commit_number INTEGER PRIMARY KEY,
    month         TEXT NOT NULL,     -- of recorded_at, so that old months can be archived
    body          BLOB NOT NULL
) STRICT;

-- The outcomes of messages.  was: the message's previous state; null if it had just been sent.
CREATE TABLE IF NOT EXISTS outcomes (
    number         INTEGER PRIMARY KEY,
    commit_number  INTEGER NOT NULL,
    state          TEXT NOT NULL,
    was            TEXT,
    seller_id      TEXT,
    source         TEXT,
    message_id     TEXT,
    type           TEXT,
    rule           TEXT,
    data           TEXT,
    retryable      INTEGER NOT NULL,
    sent_offset    INTEGER,          -- its offset in the partition; null if it had waited
    sent_hash      TEXT,             -- sha256 of the bytes as sent
    first_event    TEXT,             -- ids and positions of the events it caused
    last_event     TEXT,
    first_position INTEGER,
    last_position  INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS outcomes_by_message ON outcomes (message_id);

-- Bytes that could not be read.  They may contain anything, so they are kept apart and deleted after some time.
CREATE TABLE IF NOT EXISTS set_aside (
    outcome    INTEGER PRIMARY KEY,
    bytes      BLOB NOT NULL,
    keep_until INTEGER NOT NULL
) STRICT;

-- Waiting messages: until their subject is known (parked), or until a bug is fixed (failed).
CREATE TABLE IF NOT EXISTS parked (
    partition INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    place     TEXT NOT NULL,
    seller_id TEXT NOT NULL,
    key       BLOB NOT NULL,
    digest    BLOB NOT NULL,
    kept      TEXT NOT NULL,
    state     TEXT NOT NULL,
    reason    TEXT NOT NULL,
    since     INTEGER NOT NULL,
    PRIMARY KEY (partition, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parked_by_place ON parked (partition, place, number);
CREATE INDEX IF NOT EXISTS parked_by_seller ON parked (seller_id);

-- Deadlines that have not fired; they can be computed again from the events.
CREATE TABLE IF NOT EXISTS timers (
    key       TEXT PRIMARY KEY,
    seller_id TEXT NOT NULL,
    due       INTEGER NOT NULL,
    stream    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    detail    TEXT NOT NULL,
    failed    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS timers_by_due ON timers (failed, due, seller_id, key);
CREATE INDEX IF NOT EXISTS timers_by_seller ON timers (seller_id, failed, due);

-- The time of each clock, by seller, or '' for the live sellers.  A repeated tick must not fire anything again.
CREATE TABLE IF NOT EXISTS clocks (
    partition INTEGER NOT NULL,
    name      TEXT NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (partition, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS sellers (
    seller_id TEXT PRIMARY KEY,
    partition INTEGER NOT NULL,
    sequence  INTEGER NOT NULL,      -- of the newest event; gapless
    live      INTEGER NOT NULL       -- 1 if the partition's ticks move the clock
) STRICT, WITHOUT ROWID;

-- A cache: deleting all rows changes nothing but the time to load streams.
CREATE TABLE IF NOT EXISTS snapshots (
    stream  TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    evolves INTEGER NOT NULL,        -- version of the evolve function that built it
    state   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Personal texts.  A text is erased by deleting its row.
CREATE TABLE IF NOT EXISTS vault (
    token TEXT PRIMARY KEY,
    text  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
