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

-- How far what was there before has been indexed.
CREATE TABLE search_progress (
    kind TEXT PRIMARY KEY, -- messages, titles
    done TEXT NOT NULL     -- id of the last message or conversation that was looked at
);
INSERT INTO search_progress (kind, done) VALUES ('messages', ''), ('titles', '');
