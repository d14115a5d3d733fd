-- A snapshot keeps what of its conversation is changed in its place.
ALTER TABLE shares ADD COLUMN system_prompt TEXT NOT NULL DEFAULT '';
ALTER TABLE shares ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}'; -- JSON of model.Parameters
ALTER TABLE shares ADD COLUMN ending TEXT NOT NULL DEFAULT '';       -- JSON of the last answer if it could still go on
UPDATE shares SET
    system_prompt = (SELECT c.system_prompt FROM conversations c WHERE c.id = shares.conversation_id),
    parameters    = (SELECT c.parameters FROM conversations c WHERE c.id = shares.conversation_id)
WHERE leaf_id <> '';

CREATE INDEX shares_by_owner ON shares (owner_id, id);
