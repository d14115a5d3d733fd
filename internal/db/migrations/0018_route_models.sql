-- How much of a model may be used at once and in a minute; 0 is no limit.
ALTER TABLE models ADD COLUMN max_concurrent BIGINT NOT NULL DEFAULT 0;
ALTER TABLE models ADD COLUMN requests_per_minute BIGINT NOT NULL DEFAULT 0;
ALTER TABLE models ADD COLUMN tokens_per_minute BIGINT NOT NULL DEFAULT 0;

-- The share of a model's own connection among its routes.
ALTER TABLE models ADD COLUMN weight BIGINT NOT NULL DEFAULT 1;

-- Further ways to the same model, beside its own connection, which has
-- priority 1: by priority, and within one by weight.
CREATE TABLE model_routes (
    model_id      TEXT   NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    remote_id     TEXT   NOT NULL,
    weight        BIGINT NOT NULL,
    priority      BIGINT NOT NULL,
    position      BIGINT NOT NULL, -- order in the model
    PRIMARY KEY (model_id, connection_id, remote_id)
);
CREATE INDEX model_routes_by_connection ON model_routes (connection_id);

-- Who is answered by a model and who waits, as the nodes of one PostgreSQL
-- share it: JSON of a line (package admission), no words of anybody.
CREATE TABLE model_lines (
    model_id TEXT NOT NULL PRIMARY KEY REFERENCES models (id) ON DELETE CASCADE,
    state    TEXT NOT NULL
);

-- Routes that rest because they failed, as each node has found. They refer to
-- nothing: a route is a connection and the name of a model there.
CREATE TABLE route_rests (
    node          TEXT   NOT NULL,
    connection_id TEXT   NOT NULL,
    remote_id     TEXT   NOT NULL,
    began_at      BIGINT NOT NULL,
    until_at      BIGINT NOT NULL,
    code          TEXT   NOT NULL, -- of the last failure
    PRIMARY KEY (node, connection_id, remote_id)
);

-- Where in the line of its model a run stands, for readers on other nodes:
-- persons ahead and about how long. NULL: it does not wait.
ALTER TABLE runs ADD COLUMN line_ahead BIGINT;
ALTER TABLE runs ADD COLUMN line_wait_ms BIGINT;
