-- Texts that people keep to use again. owner_id is NULL for those of the
-- organisation. search_key is name, command, description and body, folded: a
-- list never reads it or the body unless it is searched.
CREATE TABLE prompts (
    id          TEXT    PRIMARY KEY,
    owner_id    TEXT    REFERENCES accounts (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL CHECK (kind IN ('system', 'message')),
    name        TEXT    NOT NULL,
    name_key    TEXT    NOT NULL, -- folded
    command     TEXT,             -- folded; NULL for none
    description TEXT    NOT NULL,
    category    TEXT    NOT NULL, -- empty for none
    locale      TEXT    NOT NULL CHECK (locale IN ('ja', 'en', 'any')),
    visibility  TEXT    NOT NULL CHECK (visibility IN ('private', 'groups', 'everyone')),
    hidden      BOOLEAN NOT NULL, -- by an administrator
    archived    BOOLEAN NOT NULL, -- by whoever may edit it
    version     BIGINT  NOT NULL, -- of the body
    uses        BIGINT  NOT NULL DEFAULT 0,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL,
    body        TEXT    NOT NULL,
    search_key  TEXT    NOT NULL
);
CREATE INDEX prompts_by_owner ON prompts (owner_id);
CREATE INDEX prompts_of_everyone ON prompts (id) WHERE visibility = 'everyone' OR owner_id IS NULL;
CREATE UNIQUE INDEX prompts_by_command ON prompts (owner_id, command) WHERE owner_id IS NOT NULL AND command IS NOT NULL;
CREATE UNIQUE INDEX official_prompts_by_command ON prompts (command) WHERE owner_id IS NULL AND command IS NOT NULL;

-- The groups a prompt is shared with. When they are gone it is its owner's
-- alone: its visibility stays.
CREATE TABLE prompt_groups (
    prompt_id TEXT NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    group_id  TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (prompt_id, group_id)
);
CREATE INDEX prompt_groups_by_group ON prompt_groups (group_id, prompt_id);

-- Every body a prompt has had. author_id is empty for the starter set.
CREATE TABLE prompt_versions (
    prompt_id     TEXT   NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    number        BIGINT NOT NULL,
    note          TEXT   NOT NULL,
    author_id     TEXT   NOT NULL,
    restored_from BIGINT NOT NULL, -- 0 for what was written anew
    created_at    BIGINT NOT NULL,
    body          TEXT   NOT NULL,
    PRIMARY KEY (prompt_id, number)
);

-- How often a person has used a prompt, and when last.
CREATE TABLE prompt_uses (
    account_id   TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    prompt_id    TEXT   NOT NULL REFERENCES prompts (id) ON DELETE CASCADE,
    uses         BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, prompt_id)
);
CREATE INDEX prompt_uses_by_prompt ON prompt_uses (prompt_id);

-- What the program has put into the library. prompt_id refers to nothing: the
-- row stays when the prompt is deleted, so that it does not come back.
-- checksum is of the text as it was put in: another one now is an edited one.
CREATE TABLE starter_prompts (
    key          TEXT   PRIMARY KEY,
    prompt_id    TEXT   NOT NULL,
    checksum     TEXT   NOT NULL,
    source       TEXT   NOT NULL, -- checksum of the program's own text then
    installed_at BIGINT NOT NULL
);
