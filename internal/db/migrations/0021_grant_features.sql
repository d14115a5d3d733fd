-- The features that can be kept from people are everyone's to begin with.
INSERT INTO grants (object_kind, object_id, subject_kind, subject_id, below, deny, created_at) VALUES
    ('feature', 'temporary', 'everyone', '', FALSE, FALSE, 0),
    ('feature', 'dictation', 'everyone', '', FALSE, FALSE, 0),
    ('feature', 'sharing',   'everyone', '', FALSE, FALSE, 0),
    ('feature', 'export',    'everyone', '', FALSE, FALSE, 0),
    ('feature', 'import',    'everyone', '', FALSE, FALSE, 0);
