-- The contents of files are sealed. Their key is here, itself sealed under the
-- master key; there is one for each master key, named by its fingerprint.
CREATE TABLE blob_keys (
    master     TEXT   PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);

-- The hash of a sealed blob is keyed, so that nobody can look for a file they
-- know. What was stored before is sealed by the program when it has started.
ALTER TABLE blobs ADD COLUMN master TEXT NOT NULL DEFAULT ''; -- '': not sealed yet
CREATE INDEX blobs_plain ON blobs (hash) WHERE master = '';
