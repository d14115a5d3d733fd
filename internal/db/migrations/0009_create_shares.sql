-- Conversations that their owners let others in the organisation read.
CREATE TABLE shares (
    id              TEXT    PRIMARY KEY,
    conversation_id TEXT    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    owner_id        TEXT    NOT NULL,
    leaf_id         TEXT    NOT NULL, -- of a snapshot: the end of the branch as it was; empty while it is live
    title           TEXT    NOT NULL, -- of a snapshot
    everyone        BOOLEAN NOT NULL, -- who is signed in; otherwise those who are chosen
    with_system     BOOLEAN NOT NULL, -- the instructions may be copied too
    expires_at      BIGINT  NOT NULL, -- 0: never
    revoked_at      BIGINT  NOT NULL, -- 0: not
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);
CREATE INDEX shares_by_conversation ON shares (conversation_id, id);

CREATE TABLE share_accounts (
    share_id   TEXT NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    PRIMARY KEY (share_id, account_id)
);
CREATE INDEX share_accounts_by_account ON share_accounts (account_id);

CREATE TABLE share_groups (
    share_id TEXT NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (share_id, group_id)
);
CREATE INDEX share_groups_by_group ON share_groups (group_id);

-- Who has seen what is shared.
CREATE TABLE share_views (
    share_id   TEXT   NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    account_id TEXT   NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    first_at   BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    views      BIGINT NOT NULL,
    PRIMARY KEY (share_id, account_id)
);
CREATE INDEX share_views_by_account ON share_views (account_id);
