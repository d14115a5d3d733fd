-- Who may, and may not, use an object. A deny wins over every allow.
-- subject_id is '' for everyone; of a unit, below says whether those who have a
-- post in the units below it are meant too.
CREATE TABLE grants (
    object_kind  TEXT    NOT NULL,
    object_id    TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL CHECK (subject_kind IN ('everyone', 'account', 'group', 'unit')),
    subject_id   TEXT    NOT NULL,
    below        BOOLEAN NOT NULL,
    deny         BOOLEAN NOT NULL,
    created_at   BIGINT  NOT NULL,
    PRIMARY KEY (object_kind, object_id, subject_kind, subject_id, below, deny)
);
CREATE INDEX grants_by_subject ON grants (subject_kind, subject_id, object_kind, object_id);

INSERT INTO grants (object_kind, object_id, subject_kind, subject_id, below, deny, created_at)
SELECT 'model', model_id, 'group', group_id, FALSE, FALSE, 0 FROM model_groups;
INSERT INTO grants (object_kind, object_id, subject_kind, subject_id, below, deny, created_at)
SELECT 'model', m.id, 'everyone', '', FALSE, FALSE, 0 FROM models m
WHERE  NOT EXISTS (SELECT 1 FROM model_groups g WHERE g.model_id = m.id);
DROP TABLE model_groups;
