-- What people think of answers. message_id and conversation_id refer to
-- nothing: what somebody told the administrators outlives the conversation.
-- Question and answer are not here; they are read from the conversation while
-- it exists and its owner shares them.
CREATE TABLE feedback (
    message_id      TEXT    PRIMARY KEY,
    conversation_id TEXT    NOT NULL,
    account_id      TEXT    NOT NULL,
    model_id        TEXT    NOT NULL,
    model_name      TEXT    NOT NULL, -- as it was called when it answered
    rating          TEXT    NOT NULL CHECK (rating IN ('good', 'bad')),
    reasons         TEXT    NOT NULL, -- words with a space before and after each
    comment         TEXT    NOT NULL,
    search_key      TEXT    NOT NULL, -- the comment, folded
    share_content   BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL,
    updated_at      BIGINT  NOT NULL
);
CREATE INDEX feedback_by_time ON feedback (updated_at, message_id);
CREATE INDEX feedback_by_rating ON feedback (rating, updated_at, message_id);
CREATE INDEX feedback_by_model ON feedback (model_id, updated_at, message_id);
CREATE INDEX feedback_by_account ON feedback (account_id);
