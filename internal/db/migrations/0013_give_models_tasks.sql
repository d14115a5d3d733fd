-- Models that turn speech into text stand beside those that one talks with.
ALTER TABLE models ADD COLUMN task TEXT NOT NULL DEFAULT 'chat'; -- or transcription

-- What is transcribed is counted by its length.
ALTER TABLE usage_records ADD COLUMN audio_ms BIGINT NOT NULL DEFAULT 0;
