-- Who a person is, what they belong to, and the record of what was done.
-- Times are Unix milliseconds in UTC, ids are UUIDv7 text.

-- email is normalised (NFKC, lower case, trimmed) before it is stored, so
-- that one mailbox has one account. search_key is the name and the e-mail
-- folded in the same way, because neither engine folds Japanese text itself.
-- password_expires_at is set for a temporary password only.
CREATE TABLE accounts (
    id                   TEXT    NOT NULL PRIMARY KEY,
    email                TEXT    NOT NULL UNIQUE,
    name                 TEXT    NOT NULL,
    search_key           TEXT    NOT NULL,
    role                 TEXT    NOT NULL CHECK (role IN ('administrator', 'member')),
    disabled             BOOLEAN NOT NULL DEFAULT FALSE,
    password_hash        TEXT    NOT NULL,
    must_change_password BOOLEAN NOT NULL DEFAULT FALSE,
    password_expires_at  BIGINT,
    preferences          TEXT    NOT NULL DEFAULT '{}',
    last_signed_in_at    BIGINT,
    created_at           BIGINT  NOT NULL,
    updated_at           BIGINT  NOT NULL
);
CREATE INDEX accounts_by_role ON accounts (role, disabled);

-- Only the SHA-256 of a session's token is kept: reading this table gives
-- nobody a session. expires_at is the absolute end; the idle end follows from
-- last_seen_at and the configuration.
CREATE TABLE sessions (
    id           TEXT   NOT NULL PRIMARY KEY,
    account_id   TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash   BYTEA  NOT NULL UNIQUE,
    user_agent   TEXT   NOT NULL,
    address      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account_id, created_at);

-- The one-time links that let the first administrator in.
CREATE TABLE setup_links (
    id         TEXT   NOT NULL PRIMARY KEY,
    token_hash BYTEA  NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);

-- name_key is the name folded, so that two groups never look the same.
CREATE TABLE groups (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    name_key   TEXT   NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE group_members (
    group_id   TEXT   NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, account_id)
);
CREATE INDEX group_members_by_account ON group_members (account_id, group_id);

-- The record. Rows are written once: triggers (in the files beside this one, in
-- each engine's own words) refuse to change or delete them.
-- actor_id and resource_id refer to nothing, because the record outlives what
-- it speaks of. A hash chain over these rows gets a table of its own, keyed by
-- id, so that it never needs to touch them.
CREATE TABLE audit_events (
    id            TEXT   NOT NULL PRIMARY KEY,
    occurred_at   BIGINT NOT NULL,
    actor_id      TEXT   NOT NULL,
    session_id    TEXT   NOT NULL,
    action        TEXT   NOT NULL,
    resource_kind TEXT   NOT NULL,
    resource_id   TEXT   NOT NULL,
    outcome       TEXT   NOT NULL CHECK (outcome IN ('success', 'failure', 'denied')),
    details       TEXT   NOT NULL,
    request_id    TEXT   NOT NULL,
    address       TEXT   NOT NULL,
    user_agent    TEXT   NOT NULL
);
CREATE INDEX audit_events_by_time ON audit_events (occurred_at, id);
CREATE INDEX audit_events_by_actor ON audit_events (actor_id, occurred_at, id);
CREATE INDEX audit_events_by_action ON audit_events (action, occurred_at, id);
CREATE INDEX audit_events_by_resource ON audit_events (resource_kind, resource_id, occurred_at, id);
