-- The ledger on PostgreSQL, in the schema that search_path names.  Instants are microseconds since 1970, UTC.
-- The tables are the same as on SQLite, so that the same queries work on both (../sqlite/schema.sql describes them).

CREATE TABLE IF NOT EXISTS ledger (
    id             integer PRIMARY KEY CHECK (id = 1),
    ledger_id      text NOT NULL,
    secret         bytea NOT NULL,
    schema_version integer NOT NULL
);

-- A ledger restored from a backup gets a new id.  After the noted position and outcome, the ledger with the former id
-- had other events and outcomes.
CREATE TABLE IF NOT EXISTS restores (
    former_id   text PRIMARY KEY,
    ledger_id   text NOT NULL,
    position    bigint NOT NULL,
    outcome     bigint NOT NULL,
    restored_at bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS stored_events (
    position           bigint PRIMARY KEY,
    originator_id      text NOT NULL,
    originator_version bigint NOT NULL,
    topic              text NOT NULL,
    state              bytea NOT NULL,
    UNIQUE (originator_id, originator_version)
);

CREATE TABLE IF NOT EXISTS commits (
    number         bigint PRIMARY KEY,
    partition      integer NOT NULL,
    topic_id       text NOT NULL,
    from_offset    bigint NOT NULL,
    next_offset    bigint NOT NULL,
    worker         text NOT NULL,
    build          text NOT NULL,
    batch_id       text NOT NULL UNIQUE,
    recorded_at    bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    first_outcome  bigint NOT NULL,
    last_outcome   bigint NOT NULL,
    hash           bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS commits_by_partition ON commits (partition, number);
CREATE INDEX IF NOT EXISTS commits_by_position ON commits (last_position, number);
CREATE INDEX IF NOT EXISTS commits_by_instant ON commits (recorded_at);

CREATE TABLE IF NOT EXISTS inbox (
    key    bytea PRIMARY KEY,
    digest bytea NOT NULL
);

CREATE TABLE IF NOT EXISTS messages (
    commit_number bigint PRIMARY KEY,
    month         text NOT NULL,
    body          bytea NOT NULL
);

CREATE TABLE IF NOT EXISTS outcomes (
    number         bigint PRIMARY KEY,
    commit_number  bigint NOT NULL,
    state          text NOT NULL,
    was            text,
    seller_id      text,
    source         text,
    message_id     text,
    type           text,
    rule           text,
    data           text,
    retryable      integer NOT NULL,
    sent_offset    bigint,
    sent_hash      text,
    first_event    text,
    last_event     text,
    first_position bigint,
    last_position  bigint
);
CREATE INDEX IF NOT EXISTS outcomes_by_message ON outcomes (message_id);

CREATE TABLE IF NOT EXISTS set_aside (
    outcome    bigint PRIMARY KEY,
    bytes      bytea NOT NULL,
    keep_until bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS parked (
    partition integer NOT NULL,
    number    bigint NOT NULL,
    place     text NOT NULL,
    seller_id text NOT NULL,
    key       bytea NOT NULL,
    digest    bytea NOT NULL,
    kept      text NOT NULL,
    state     text NOT NULL,
    reason    text NOT NULL,
    since     bigint NOT NULL,
    PRIMARY KEY (partition, number)
);
CREATE INDEX IF NOT EXISTS parked_by_place ON parked (partition, place, number);
CREATE INDEX IF NOT EXISTS parked_by_seller ON parked (seller_id);

CREATE TABLE IF NOT EXISTS timers (
    key       text PRIMARY KEY,
    seller_id text NOT NULL,
    due       bigint NOT NULL,
    stream    text NOT NULL,
    kind      text NOT NULL,
    detail    text NOT NULL,
    failed    integer NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS timers_by_due ON timers (failed, due, seller_id, key);
CREATE INDEX IF NOT EXISTS timers_by_seller ON timers (seller_id, failed, due);

CREATE TABLE IF NOT EXISTS clocks (
    partition integer NOT NULL,
    name      text NOT NULL,
    at        bigint NOT NULL,
    PRIMARY KEY (partition, name)
);

CREATE TABLE IF NOT EXISTS sellers (
    seller_id text PRIMARY KEY,
    partition integer NOT NULL,
    sequence  bigint NOT NULL,
    live      integer NOT NULL
);

CREATE TABLE IF NOT EXISTS snapshots (
    stream  text PRIMARY KEY,
    version bigint NOT NULL,
    evolves integer NOT NULL,
    state   bytea NOT NULL
);

-- The number of attempts at a batch without a commit: it shows which message kills the worker.  Not part of the
-- ledger: a row may be lost when the server crashes, but not when a worker does.
CREATE TABLE IF NOT EXISTS attempts (
    partition   integer PRIMARY KEY,
    from_offset bigint NOT NULL,
    until       bigint NOT NULL,
    count       integer NOT NULL
);

CREATE TABLE IF NOT EXISTS vault (
    token text PRIMARY KEY,
    text  text NOT NULL
);
