-- The organisation: its units, who has which post in them, roles and where they
-- hold. What begins or ends on a day has starts_at (inclusive) and ends_at
-- (exclusive); 253402300800000, the year 10000, is no end.

-- code_key is the code folded, so that two units never look the same.
CREATE TABLE units (
    id         TEXT   NOT NULL PRIMARY KEY,
    code       TEXT   NOT NULL,
    code_key   TEXT   NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

-- What a unit is called and where it stands, from when to when. The periods of
-- one unit do not overlap; between them there is no such unit.
-- parent_id is '' at the top. change_id is the personnel change that made it.
CREATE TABLE unit_periods (
    unit_id   TEXT   NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    starts_at BIGINT NOT NULL,
    ends_at   BIGINT NOT NULL,
    parent_id TEXT   NOT NULL DEFAULT '',
    name      TEXT   NOT NULL,
    position  BIGINT NOT NULL,
    change_id TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (unit_id, starts_at)
);

-- A person may have more than one post at a time; one of them is the main one.
CREATE TABLE posts (
    id         TEXT    NOT NULL PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    unit_id    TEXT    NOT NULL REFERENCES units (id) ON DELETE CASCADE,
    title      TEXT    NOT NULL,
    main       BOOLEAN NOT NULL,
    starts_at  BIGINT  NOT NULL,
    ends_at    BIGINT  NOT NULL,
    change_id  TEXT    NOT NULL DEFAULT ''
);
CREATE INDEX posts_by_account ON posts (account_id, starts_at);
CREATE INDEX posts_by_unit ON posts (unit_id, starts_at);

-- The roles that an installation made for itself; permissions is a JSON array.
-- The built-in ones are the program's.
CREATE TABLE roles (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    name_key    TEXT   NOT NULL UNIQUE,
    description TEXT   NOT NULL,
    permissions TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- Who holds which role: of a unit and all below it, or everywhere ('').
-- role_id is a row of roles or the name of a built-in one.
CREATE TABLE role_holders (
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role_id    TEXT   NOT NULL,
    unit_id    TEXT   NOT NULL DEFAULT '',
    starts_at  BIGINT NOT NULL,
    ends_at    BIGINT NOT NULL,
    change_id  TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, role_id, unit_id, starts_at)
);
CREATE INDEX role_holders_by_role ON role_holders (role_id, unit_id);

INSERT INTO role_holders (account_id, role_id, unit_id, starts_at, ends_at)
SELECT id, 'administrator', '', 0, 253402300800000 FROM accounts WHERE role = 'administrator';

DROP INDEX accounts_by_role;
ALTER TABLE accounts DROP COLUMN role;

-- From when to when a person may sign in at all.
ALTER TABLE accounts ADD COLUMN valid_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN valid_until BIGINT NOT NULL DEFAULT 253402300800000;

-- rule, a JSON object, makes whoever fits it a member; '' is a group whose
-- members are chosen one by one.
ALTER TABLE groups ADD COLUMN rule TEXT NOT NULL DEFAULT '';

-- The last change of units, roles and rules: nodes that remember them see with
-- the next request whether what they remember is still so.
CREATE TABLE directory_state (
    id      BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version TEXT   NOT NULL
);
INSERT INTO directory_state (id, version) VALUES (1, '');
