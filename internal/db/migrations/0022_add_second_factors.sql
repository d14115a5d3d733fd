-- What a person proves who they are with beside a password.

-- The secret of an authenticator app, sealed for its row. last_step is the
-- 30-second step of the last code that was accepted: none up to it works again.
CREATE TABLE totp_secrets (
    account_id   TEXT   NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    secret       BYTEA  NOT NULL,
    last_step    BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT
);

-- Passkeys. record is the credential as the adapter reads it (the public key,
-- no secret); sign_count repeats its counter, to be compared when it changes.
CREATE TABLE passkeys (
    id              TEXT    NOT NULL PRIMARY KEY,
    account_id      TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    credential_id   BYTEA   NOT NULL UNIQUE,
    record          BYTEA   NOT NULL,
    name            TEXT    NOT NULL,
    sign_count      BIGINT  NOT NULL,
    verifies        BOOLEAN NOT NULL, -- the device confirms its person, so that no password is needed
    backup_eligible BOOLEAN NOT NULL,
    backed_up       BOOLEAN NOT NULL,
    cloned_at       BIGINT,           -- when its counter last went backwards
    created_at      BIGINT  NOT NULL,
    last_used_at    BIGINT
);
CREATE INDEX passkeys_by_account ON passkeys (account_id, created_at);

-- Recovery codes, each by its slow hash under the salt of its set.
CREATE TABLE recovery_codes (
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hash       BYTEA  NOT NULL,
    salt       BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (account_id, hash)
);

-- What was begun on another page and has been finished: it works once.
CREATE TABLE spent_ceremonies (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- When a session's person last proved who they are, and when they proved a
-- second factor.
ALTER TABLE sessions ADD COLUMN proved_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN second_factor_at BIGINT;
UPDATE sessions SET proved_at = created_at;

-- When the account was first asked for a second factor that it lacks: its
-- grace begins there.
ALTER TABLE accounts ADD COLUMN second_factor_asked_at BIGINT;
