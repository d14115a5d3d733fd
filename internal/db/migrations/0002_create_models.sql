-- Where models are reached, which of them people may use, and what each call
-- cost. Times are Unix milliseconds in UTC, money is in millionths of its
-- currency, ids are UUIDv7 text.

-- settings is JSON by kind and holds nothing secret. secret is sealed (package
-- secret) to this row; secret_names is JSON that tells which secrets there are
-- without opening them. version counts the changes: a node that holds a
-- provider for an older version makes a new one.
CREATE TABLE connections (
    id           TEXT    NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    kind         TEXT    NOT NULL CHECK (kind IN ('openai', 'bedrock', 'demo')),
    enabled      BOOLEAN NOT NULL,
    settings     TEXT    NOT NULL,
    secret       BYTEA,
    secret_names TEXT    NOT NULL DEFAULT '[]',
    version      BIGINT  NOT NULL DEFAULT 1,
    created_at   BIGINT  NOT NULL,
    updated_at   BIGINT  NOT NULL
);

-- A connection is not deleted while it has models unless they go with it,
-- which the capability decides: hence no cascade.
CREATE TABLE models (
    id                TEXT    NOT NULL PRIMARY KEY,
    connection_id     TEXT    NOT NULL REFERENCES connections (id),
    remote_id         TEXT    NOT NULL,
    display_name      TEXT    NOT NULL,
    description       TEXT    NOT NULL,
    capabilities      TEXT    NOT NULL, -- JSON of model.Capabilities
    defaults          TEXT    NOT NULL, -- JSON of model.Parameters
    options           TEXT    NOT NULL, -- JSON for the provider, or empty
    position          BIGINT  NOT NULL, -- order in every list
    enabled           BOOLEAN NOT NULL,
    light             BOOLEAN NOT NULL, -- makes titles and other small things
    fallback_id       TEXT    REFERENCES models (id) ON DELETE SET NULL,
    currency          TEXT    NOT NULL, -- of the prices; empty when none is known
    input_price       BIGINT  NOT NULL, -- for a million tokens
    output_price      BIGINT  NOT NULL,
    cache_read_price  BIGINT,           -- NULL: as input
    cache_write_price BIGINT,           -- NULL: as input
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL
);
CREATE INDEX models_in_order ON models (position, id);
CREATE INDEX models_by_connection ON models (connection_id);
CREATE INDEX models_by_fallback ON models (fallback_id);

-- The groups a model is restricted to; without any it is everyone's. group_id
-- refers to nothing on purpose: a cascade from a deleted group would open the
-- model to everyone, a row that is left behind keeps it closed.
CREATE TABLE model_groups (
    model_id TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    group_id TEXT NOT NULL,
    PRIMARY KEY (model_id, group_id)
);
CREATE INDEX model_groups_by_group ON model_groups (group_id);

-- One row for each call of a model, whatever came of it. It refers to nothing
-- because it outlives the account, the model and the conversation.
CREATE TABLE usage_records (
    id                 TEXT    NOT NULL PRIMARY KEY,
    started_at         BIGINT  NOT NULL,
    account_id         TEXT    NOT NULL,
    model_id           TEXT    NOT NULL, -- the model that answered, or tried last
    model_name         TEXT    NOT NULL,
    requested_model_id TEXT    NOT NULL, -- differs when a fallback stepped in
    connection_id      TEXT    NOT NULL,
    feature            TEXT    NOT NULL,
    conversation_id    TEXT    NOT NULL,
    run_id             TEXT    NOT NULL,
    place              TEXT    NOT NULL, -- where it was processed
    place_reason       TEXT    NOT NULL, -- why that was allowed or refused
    input_tokens       BIGINT  NOT NULL,
    output_tokens      BIGINT  NOT NULL,
    reasoning_tokens   BIGINT  NOT NULL,
    cache_read_tokens  BIGINT  NOT NULL,
    cache_write_tokens BIGINT  NOT NULL,
    estimated          BOOLEAN NOT NULL,
    cost_micros        BIGINT  NOT NULL,
    currency           TEXT    NOT NULL, -- empty when the price was not known
    outcome            TEXT    NOT NULL, -- complete, stopped, or an error code
    attempts           BIGINT  NOT NULL,
    first_token_ms     BIGINT,           -- NULL when nothing came
    duration_ms        BIGINT  NOT NULL
);
CREATE INDEX usage_records_by_time ON usage_records (started_at, id);
CREATE INDEX usage_records_by_account ON usage_records (account_id, started_at, id);
CREATE INDEX usage_records_by_run ON usage_records (run_id) WHERE run_id <> '';

-- What left this installation, in sums of an hour.
CREATE TABLE egress_records (
    node           TEXT   NOT NULL,
    purpose        TEXT   NOT NULL,
    destination    TEXT   NOT NULL, -- host:port
    hour           BIGINT NOT NULL, -- its first millisecond
    dials          BIGINT NOT NULL,
    failures       BIGINT NOT NULL, -- of the dials
    refusals       BIGINT NOT NULL,
    bytes_sent     BIGINT NOT NULL,
    bytes_received BIGINT NOT NULL,
    PRIMARY KEY (node, purpose, destination, hour)
);
CREATE INDEX egress_records_by_hour ON egress_records (hour);
