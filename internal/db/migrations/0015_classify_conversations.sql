-- How confidential a conversation is, from 1 (public) to 3 (restricted);
-- 0: nobody has said, and what the organisation begins with counts.
ALTER TABLE conversations ADD COLUMN class INTEGER NOT NULL DEFAULT 0;
