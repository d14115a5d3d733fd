-- What an imported conversation is called where it comes from: a second import
-- of it is none. A deleted one may be imported again.
ALTER TABLE conversations ADD COLUMN external_id TEXT;
CREATE UNIQUE INDEX conversations_by_external_id ON conversations (owner_id, external_id) WHERE external_id IS NOT NULL;
