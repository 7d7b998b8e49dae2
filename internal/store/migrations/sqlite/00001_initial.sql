-- Ringmaster's system of record, as SQLite keeps it; ../postgres holds the same tables in PostgreSQL's words.
--
-- Moments are Unix milliseconds (UTC) in BIGINT columns; NULL means that it has not happened. Durations are milliseconds.
-- contacts and contact_phones have no foreign keys: a check a row would double the time of an import, and campaigns are
-- never deleted.

-- +goose Up

-- The last event number of what is no contact: a phone number, or "campaign:" and an id.
CREATE TABLE sequences (
    key   TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE campaigns (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    queue      TEXT NOT NULL UNIQUE,
    mode       TEXT NOT NULL CHECK (mode IN ('manual', 'preview', 'progressive', 'predictive')),
    status     TEXT NOT NULL CHECK (status IN ('draft', 'running', 'paused', 'stopped', 'finished')),
    priority   INTEGER NOT NULL,
    settings   TEXT NOT NULL,   -- all that no query reads, JSON
    version    BIGINT NOT NULL, -- grows with every change of the row or its call codes
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE call_codes (
    campaign_id BIGINT NOT NULL REFERENCES campaigns (id),
    id          TEXT NOT NULL,
    position    INTEGER NOT NULL,
    name        TEXT NOT NULL,
    action      TEXT NOT NULL CHECK (action IN ('finish', 'retry_after', 'callback_at', 'do_not_call')),
    after_ms    BIGINT NOT NULL CHECK (after_ms >= 0),
    meaningful  BOOLEAN NOT NULL,
    action_flag TEXT NOT NULL,
    PRIMARY KEY (campaign_id, id)
);

CREATE TABLE contacts (
    id             INTEGER PRIMARY KEY,
    campaign_id    BIGINT NOT NULL,
    crm_id         TEXT NOT NULL,   -- '' when the list had none
    name           TEXT NOT NULL,
    phones         TEXT NOT NULL,   -- JSON; contact_phones has the numbers again, to be found by
    time_zone      TEXT NOT NULL,
    priority       INTEGER NOT NULL,
    payload        TEXT,            -- JSON as it was imported
    state          TEXT NOT NULL,
    reason         TEXT,            -- why it is finished; kept while a call by hand is open
    next_at        BIGINT,          -- when it is due; kept while an attempt is open, so that a cancelled one restores it
    attempts       INTEGER NOT NULL DEFAULT 0, -- dialed
    ordinals       INTEGER NOT NULL DEFAULT 0, -- planned: the last attempt's ordinal
    sequence       BIGINT NOT NULL DEFAULT 0,  -- the last event's
    callback_at    BIGINT,          -- agreed with the customer and not kept yet
    callback_agent BIGINT,          -- who promised it
    calltraceid    TEXT,
    recording_link TEXT,
    updated_at     BIGINT NOT NULL,
    CHECK (state IN ('waiting', 'calling', 'coding', 'finished')),
    CHECK (state <> 'waiting' OR (next_at IS NOT NULL AND reason IS NULL)),
    CHECK (state <> 'finished' OR reason IS NOT NULL),
    CHECK (state <> 'coding' OR (next_at IS NULL AND reason IS NULL)),
    CHECK (attempts >= 0 AND attempts <= ordinals)
);
CREATE UNIQUE INDEX contacts_crm_id ON contacts (campaign_id, crm_id) WHERE crm_id <> '';
CREATE INDEX contacts_campaign ON contacts (campaign_id, id);
CREATE INDEX contacts_due ON contacts (campaign_id, priority, next_at, id) WHERE state = 'waiting';
CREATE INDEX contacts_held ON contacts (campaign_id) WHERE state IN ('calling', 'coding');

-- One number belongs to one contact of a campaign: manual calls find it here, imports refuse the second.
CREATE TABLE contact_phones (
    campaign_id BIGINT NOT NULL,
    number      TEXT NOT NULL,
    contact_id  BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, number)
) WITHOUT ROWID;

CREATE TABLE agents (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    login          TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    password_hash  TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    username       TEXT NOT NULL,
    auto_call      BOOLEAN NOT NULL,
    pause_id       TEXT NOT NULL,
    pause_cause    TEXT NOT NULL,
    disabled       BOOLEAN NOT NULL,
    last_extension BIGINT, -- the one owned last
    updated_at     BIGINT NOT NULL
);

CREATE TABLE agent_queues (
    agent_id BIGINT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    queue    TEXT NOT NULL,
    PRIMARY KEY (agent_id, queue)
);

CREATE TABLE extensions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL UNIQUE,
    network  TEXT NOT NULL,
    number   TEXT NOT NULL,
    server   TEXT NOT NULL,
    codecs   TEXT NOT NULL, -- JSON
    options  BOOLEAN NOT NULL,
    owner_id BIGINT UNIQUE REFERENCES agents (id)
);

CREATE TABLE pauses (
    id       TEXT PRIMARY KEY CHECK (id NOT IN ('0', '1000')),
    name     TEXT NOT NULL,
    position INTEGER NOT NULL
);

CREATE TABLE attempts (
    id          INTEGER PRIMARY KEY CHECK (id > 0 AND id < 9007199254740992),
    campaign_id BIGINT NOT NULL,
    contact_id  BIGINT,
    ordinal     INTEGER,
    person      TEXT NOT NULL, -- the CRM's id, or the number: whom policy counts
    number      TEXT NOT NULL,
    origin      TEXT NOT NULL CHECK (origin IN ('automatic', 'manual', 'callback', 'preview', 'external')),
    state       TEXT NOT NULL,
    owner       TEXT,
    fence       BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    valid_until BIGINT NOT NULL,
    agent_id    BIGINT,
    calltraceid TEXT,
    prepared_at BIGINT NOT NULL,
    claimed_at  BIGINT,
    dialed_at   BIGINT,
    answered_at BIGINT,
    ended_at    BIGINT,
    outcome     TEXT,
    cause       TEXT NOT NULL DEFAULT '',
    hangup_by   TEXT NOT NULL DEFAULT '',
    code        TEXT,
    code_reason TEXT CHECK (code_reason IN ('agent', 'timeout', 'correction')),
    code_due_at BIGINT,
    code_set_at BIGINT,
    meaningful  BOOLEAN NOT NULL DEFAULT FALSE,
    CHECK (state IN ('prepared', 'dialing', 'answered', 'closed', 'cancelled')),
    CHECK ((contact_id IS NULL) = (ordinal IS NULL)),
    CHECK (ordinal >= 1),
    CHECK ((state IN ('prepared', 'cancelled')) = (claimed_at IS NULL)),
    CHECK ((claimed_at IS NULL) = (owner IS NULL) AND (claimed_at IS NULL) = (lease_until IS NULL) AND (claimed_at IS NULL) = (fence = 0)),
    CHECK (dialed_at IS NULL OR claimed_at IS NOT NULL),
    CHECK (answered_at IS NULL OR dialed_at IS NOT NULL),
    CHECK (state <> 'answered' OR answered_at IS NOT NULL),
    CHECK (state <> 'dialing' OR answered_at IS NULL),
    CHECK ((state IN ('closed', 'cancelled')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'closed') = (outcome IS NOT NULL)),
    CHECK (outcome IN ('answered', 'busy', 'no_answer', 'rejected', 'invalid_number', 'congestion', 'agent_no_answer', 'abandoned', 'unknown')),
    CHECK (outcome IS NULL OR outcome <> 'answered' OR answered_at IS NOT NULL),
    CHECK (code_due_at IS NULL OR state = 'closed'),
    CHECK (code_set_at IS NULL OR state = 'closed'),
    CHECK ((code_set_at IS NULL) = (code_reason IS NULL)),
    CHECK (code IS NULL OR code_set_at IS NOT NULL)
);
CREATE UNIQUE INDEX attempts_ordinal ON attempts (contact_id, ordinal) WHERE contact_id IS NOT NULL;
-- A contact, a person and a number are in one open attempt at a time, across all campaigns: open is what has not ended.
-- No index has a column that a claim, or the moment of dialing, changes: these updates touch the row alone.
CREATE UNIQUE INDEX attempts_open_contact ON attempts (contact_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX attempts_open_person ON attempts (person) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX attempts_open_number ON attempts (number) WHERE ended_at IS NULL;
CREATE INDEX attempts_code_due ON attempts (code_due_at) WHERE code_due_at IS NOT NULL AND code_set_at IS NULL;
CREATE INDEX attempts_person ON attempts (person, prepared_at);
CREATE INDEX attempts_number ON attempts (number, prepared_at);
CREATE INDEX attempts_campaign ON attempts (campaign_id, id);
CREATE INDEX attempts_calltraceid ON attempts (calltraceid) WHERE calltraceid IS NOT NULL;

CREATE TABLE do_not_call (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    number     TEXT UNIQUE, -- E.164
    crm_id     TEXT UNIQUE, -- a person, whatever the number
    reason     TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CHECK (number IS NOT NULL OR crm_id IS NOT NULL)
);

CREATE TABLE callbacks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    campaign_id BIGINT NOT NULL,
    contact_id  BIGINT NOT NULL,
    agent_id    BIGINT, -- who promised it; NULL: anybody may call
    at          BIGINT NOT NULL,
    made_by     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    done_at     BIGINT -- when it was kept, or replaced
);
CREATE UNIQUE INDEX callbacks_open ON callbacks (contact_id) WHERE done_at IS NULL;
CREATE INDEX callbacks_at ON callbacks (at, contact_id) WHERE done_at IS NULL;

CREATE TABLE events (
    id       TEXT PRIMARY KEY,
    type     TEXT NOT NULL,
    key      TEXT NOT NULL, -- whose sequence it is: "contact:" and an id, a number, or "campaign:" and an id
    sequence BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    body     TEXT NOT NULL -- the exact bytes that are signed and sent
);
CREATE INDEX events_at ON events (at);

CREATE TABLE endpoints (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    url        TEXT NOT NULL,
    types      TEXT NOT NULL, -- ',call.answered,call.completed,'; '' for every type but agent.state_changed
    secret     TEXT NOT NULL,
    old_secret TEXT NOT NULL,
    old_until  BIGINT,
    ordered    BOOLEAN NOT NULL,
    rate       INTEGER NOT NULL,
    concurrent INTEGER NOT NULL,
    disabled   BOOLEAN NOT NULL,
    reason     TEXT NOT NULL,
    failing_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id    TEXT NOT NULL,
    endpoint_id BIGINT NOT NULL,
    type        TEXT NOT NULL,
    key         TEXT NOT NULL,
    sequence    BIGINT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    tries       INTEGER NOT NULL DEFAULT 0,
    next_at     BIGINT, -- NULL once it is over
    lease_until BIGINT, -- while a node sends it
    created_at  BIGINT NOT NULL,
    CHECK ((state = 'pending') = (next_at IS NOT NULL)),
    CHECK (lease_until IS NULL OR state = 'pending')
);
CREATE INDEX deliveries_due ON deliveries (endpoint_id, next_at, id) WHERE state = 'pending';
CREATE INDEX deliveries_order ON deliveries (endpoint_id, key, sequence) WHERE state = 'pending';
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_event ON deliveries (event_id);

CREATE TABLE tries (
    delivery_id BIGINT NOT NULL,
    number      INTEGER NOT NULL CHECK (number >= 1),
    at          BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    status      INTEGER NOT NULL,
    error       TEXT NOT NULL,
    reply       TEXT NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

CREATE TABLE users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    login         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('agent', 'supervisor', 'admin', 'crm')),
    agent_id      BIGINT REFERENCES agents (id) ON DELETE CASCADE,
    disabled      BOOLEAN NOT NULL,
    CHECK ((role = 'agent') = (agent_id IS NOT NULL))
);

CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id    BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    expires_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE audit (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     BIGINT NOT NULL,
    who    TEXT NOT NULL,
    what   TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL
);

-- Replies to requests that may come again, by their Idempotency-Key.
CREATE TABLE replies (
    key         TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL, -- of what was asked
    status      INTEGER,        -- NULL while the first request is served
    body        BLOB,
    begun_at    BIGINT NOT NULL
);
CREATE INDEX replies_age ON replies (begun_at);

-- +goose Down
DROP TABLE replies;
DROP TABLE audit;
DROP TABLE tokens;
DROP TABLE users;
DROP TABLE tries;
DROP TABLE deliveries;
DROP TABLE endpoints;
DROP TABLE events;
DROP TABLE callbacks;
DROP TABLE do_not_call;
DROP TABLE attempts;
DROP TABLE pauses;
DROP TABLE extensions;
DROP TABLE agent_queues;
DROP TABLE agents;
DROP TABLE contact_phones;
DROP TABLE contacts;
DROP TABLE call_codes;
DROP TABLE campaigns;
DROP TABLE sequences;
