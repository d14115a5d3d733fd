-- Which processes kept the record of what left, from when until when: without
-- it, nothing recorded cannot be told from nobody recording.
CREATE TABLE egress_watches (
    node       TEXT     PRIMARY KEY,
    version    TEXT     NOT NULL,
    started_at BIGINT   NOT NULL,
    seen_at    BIGINT   NOT NULL, -- everything until then is in egress_records
    ended      SMALLINT NOT NULL  -- 1: it stopped in order, and seen_at is its end
);
CREATE INDEX egress_watches_by_time ON egress_watches (seen_at);

-- The key that signs reports of it, sealed under the master key; there is one
-- for each master key, named by its fingerprint.
CREATE TABLE egress_report_keys (
    master     TEXT   PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);
