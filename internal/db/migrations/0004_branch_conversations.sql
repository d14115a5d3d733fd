-- A folder is a project: its instructions and files go with every turn in it.
CREATE TABLE folders (
    id           TEXT   PRIMARY KEY,
    owner_id     TEXT   NOT NULL REFERENCES accounts (id),
    name         TEXT   NOT NULL,
    search_key   TEXT   NOT NULL, -- the name folded: two of one name confuse
    instructions TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX folders_by_name ON folders (owner_id, search_key);

-- Messages are a tree; leaf_id is the end of the branch that is open.
ALTER TABLE conversations ADD COLUMN leaf_id TEXT NOT NULL DEFAULT '';
UPDATE conversations SET leaf_id = coalesce(
    (SELECT m.id FROM messages m WHERE m.conversation_id = conversations.id ORDER BY m.position DESC LIMIT 1), '');
ALTER TABLE conversations ADD COLUMN comparison_id TEXT NOT NULL DEFAULT ''; -- answers side by side, until one is chosen
ALTER TABLE conversations ADD COLUMN folder_id TEXT REFERENCES folders (id);
ALTER TABLE conversations ADD COLUMN pinned BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE conversations ADD COLUMN archived BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE conversations ADD COLUMN deleted_at BIGINT NOT NULL DEFAULT 0; -- restorable for a while, then swept
DROP INDEX conversations_by_activity;
CREATE INDEX conversations_by_activity ON conversations (owner_id, archived, pinned, active_at, id) WHERE deleted_at = 0;
CREATE INDEX conversations_by_folder ON conversations (folder_id, archived, pinned, active_at, id) WHERE folder_id IS NOT NULL;
CREATE INDEX conversations_deleted ON conversations (deleted_at) WHERE deleted_at > 0;

CREATE TABLE conversation_tags (
    owner_id        TEXT NOT NULL,
    tag             TEXT NOT NULL,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    PRIMARY KEY (owner_id, tag, conversation_id)
);
CREATE INDEX tags_by_conversation ON conversation_tags (conversation_id);

ALTER TABLE messages ADD COLUMN comparison_id TEXT NOT NULL DEFAULT ''; -- the same for answers asked for side by side
ALTER TABLE messages ADD COLUMN edited_from TEXT NOT NULL DEFAULT '';   -- the message that a person wrote anew
ALTER TABLE messages ADD COLUMN context TEXT NOT NULL DEFAULT '';       -- JSON: what of the conversation the model was given
CREATE INDEX messages_by_parent ON messages (conversation_id, parent_id, position);

-- One turn at a time, but several models may answer it.
DROP INDEX runs_active;
CREATE UNIQUE INDEX runs_active ON runs (message_id) WHERE state = 'running';
CREATE INDEX runs_of_conversation ON runs (conversation_id) WHERE state = 'running';

-- Turns sent while an answer was being written, oldest first.
CREATE TABLE queued_turns (
    id              TEXT    PRIMARY KEY,
    conversation_id TEXT    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    owner_id        TEXT    NOT NULL,
    client_id       TEXT,
    body            TEXT    NOT NULL, -- JSON of what was sent
    at_any_end      BOOLEAN NOT NULL, -- sent also when the answer before it was stopped: it replaces that one
    created_at      BIGINT  NOT NULL
);
CREATE INDEX queued_turns_in_order ON queued_turns (conversation_id, id);
CREATE UNIQUE INDEX queued_turns_by_client_id ON queued_turns (conversation_id, client_id) WHERE client_id IS NOT NULL;

ALTER TABLE attachments ADD COLUMN queued_turn_id TEXT REFERENCES queued_turns (id) ON DELETE CASCADE;
ALTER TABLE attachments ADD COLUMN folder_id TEXT REFERENCES folders (id) ON DELETE CASCADE;
CREATE INDEX attachments_by_folder ON attachments (folder_id) WHERE folder_id IS NOT NULL;

-- What stands for the beginning of a branch that no longer fits the model.
CREATE TABLE summaries (
    message_id      TEXT   PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE, -- the last message it tells
    conversation_id TEXT   NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    body            TEXT   NOT NULL,
    model_name      TEXT   NOT NULL,
    created_at      BIGINT NOT NULL
);
CREATE INDEX summaries_by_conversation ON summaries (conversation_id);
