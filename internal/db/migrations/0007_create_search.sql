-- One row for each text that can be found: a message, or the title of a
-- conversation. id is the second of the text and, below it, 20 random bits, so
-- that the newest come first by key. docs/design/search.md
CREATE TABLE search_documents (
    id              BIGINT PRIMARY KEY,
    owner_id        TEXT   NOT NULL,
    conversation_id TEXT   NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    message_id      TEXT,            -- NULL for a title
    model_key       TEXT   NOT NULL  -- of an answer: the name of its model, folded
);
CREATE UNIQUE INDEX search_documents_by_message ON search_documents (message_id) WHERE message_id IS NOT NULL;
CREATE UNIQUE INDEX search_documents_of_titles ON search_documents (conversation_id) WHERE message_id IS NULL;
CREATE INDEX search_documents_by_conversation ON search_documents (conversation_id);
CREATE INDEX search_documents_by_owner ON search_documents (owner_id, id);
CREATE INDEX search_titles_by_owner ON search_documents (owner_id, id) WHERE message_id IS NULL;

-- Texts that were written, or written anew, and are not yet in the index: all
-- that was there before there was one, to begin with.
CREATE TABLE search_pending (
    id       TEXT PRIMARY KEY, -- of a message, or of the conversation whose title it is
    kind     TEXT NOT NULL,    -- message, title
    owner_id TEXT NOT NULL
);
CREATE INDEX search_pending_by_owner ON search_pending (owner_id, id);
INSERT INTO search_pending (id, kind, owner_id) SELECT id, 'title', owner_id FROM conversations;
INSERT INTO search_pending (id, kind, owner_id)
SELECT m.id, 'message', c.owner_id FROM messages m JOIN conversations c ON c.id = m.conversation_id;
