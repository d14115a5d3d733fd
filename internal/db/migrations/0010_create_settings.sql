-- What administrators have decided for the organisation, by subject; every
-- version stays.
CREATE TABLE settings (
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    body       TEXT   NOT NULL, -- JSON
    changed_by TEXT   NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (name, version)
);
