-- A process that runs turns. One that has not been seen for a while is dead,
-- and its runs are interrupted by whoever notices.
CREATE TABLE nodes (
    id         TEXT   PRIMARY KEY,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);

CREATE TABLE conversations (
    id            TEXT   PRIMARY KEY,
    owner_id      TEXT   NOT NULL REFERENCES accounts (id),
    title         TEXT   NOT NULL,
    title_source  TEXT   NOT NULL, -- first_words, model, person
    model_id      TEXT   NOT NULL, -- not a reference: a conversation outlives its model
    parameters    TEXT   NOT NULL, -- JSON of model.Parameters
    system_prompt TEXT   NOT NULL,
    next_position BIGINT NOT NULL, -- of the next message
    client_id     TEXT,            -- the browser's own id of the first turn: a send repeated makes no second conversation
    created_at    BIGINT NOT NULL,
    active_at     BIGINT NOT NULL  -- last time somebody said something
);
CREATE UNIQUE INDEX conversations_by_client_id ON conversations (owner_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX conversations_by_activity ON conversations (owner_id, active_at DESC, id DESC);

CREATE TABLE messages (
    id              TEXT   PRIMARY KEY,
    conversation_id TEXT   NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    parent_id       TEXT,            -- the message it follows; NULL for the first
    position        BIGINT NOT NULL, -- order of creation in the conversation
    role            TEXT   NOT NULL, -- user, assistant
    status          TEXT   NOT NULL, -- complete, running, stopped, failed, interrupted
    stop_reason     TEXT   NOT NULL,
    content         TEXT   NOT NULL, -- JSON array of parts
    client_id       TEXT,            -- the browser's own id of a user message: a send repeated is not a second one
    model_id        TEXT   NOT NULL,
    model_name      TEXT   NOT NULL, -- as it was called when it answered
    error           TEXT   NOT NULL, -- JSON {code, detail, params} or empty
    usage           TEXT   NOT NULL, -- JSON of model.Usage or empty
    cost_micros     BIGINT NOT NULL, -- millionths of cost_currency
    cost_currency   TEXT   NOT NULL,
    first_token_ms  BIGINT NOT NULL,
    reasoning_ms    BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    finished_at     BIGINT NOT NULL  -- 0 while running
);
CREATE UNIQUE INDEX messages_in_order ON messages (conversation_id, position);
CREATE UNIQUE INDEX messages_by_client_id ON messages (conversation_id, client_id) WHERE client_id IS NOT NULL;

-- One attempt of a model to write (or go on writing) one message.
CREATE TABLE runs (
    id              TEXT   PRIMARY KEY,
    conversation_id TEXT   NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    message_id      TEXT   NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    owner_id        TEXT   NOT NULL,
    node_id         TEXT   NOT NULL,
    state           TEXT   NOT NULL, -- running, complete, stopped, failed, interrupted
    stop_requested  BOOLEAN NOT NULL,
    started_at      BIGINT NOT NULL,
    finished_at     BIGINT NOT NULL
);
CREATE UNIQUE INDEX runs_active ON runs (conversation_id) WHERE state = 'running';
CREATE INDEX runs_by_node ON runs (node_id) WHERE state = 'running';
CREATE INDEX runs_by_message ON runs (message_id);

-- What a running run has said since its message was last written whole.
CREATE TABLE run_segments (
    run_id   TEXT   NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    part     BIGINT NOT NULL, -- index in the message's parts
    type     TEXT   NOT NULL, -- text, reasoning
    body     TEXT   NOT NULL,
    PRIMARY KEY (run_id, sequence)
);

-- File contents by their hash: the same file sent twice is kept once.
CREATE TABLE blobs (
    hash       TEXT   PRIMARY KEY, -- SHA-256, hex
    size       BIGINT NOT NULL,
    data       BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE attachments (
    id         TEXT   PRIMARY KEY,
    owner_id   TEXT   NOT NULL REFERENCES accounts (id),
    message_id TEXT   REFERENCES messages (id) ON DELETE CASCADE, -- NULL until it is sent
    name       TEXT   NOT NULL,
    media_type TEXT   NOT NULL,
    size       BIGINT NOT NULL,
    width      BIGINT NOT NULL, -- pixels; 0 for what is not an image
    height     BIGINT NOT NULL,
    blob_hash  TEXT   NOT NULL REFERENCES blobs (hash),
    created_at BIGINT NOT NULL
);
CREATE INDEX attachments_by_blob ON attachments (blob_hash);
CREATE INDEX attachments_by_message ON attachments (message_id);
CREATE INDEX attachments_unsent ON attachments (created_at) WHERE message_id IS NULL;
