-- What a call asked of a model: its task, or what else can be asked of one.
ALTER TABLE usage_records ADD COLUMN operation TEXT NOT NULL DEFAULT 'chat';
UPDATE usage_records SET operation = 'transcription' WHERE audio_ms > 0;

-- What is not charged by tokens: images, searches, units of text.
ALTER TABLE usage_records ADD COLUMN units BIGINT NOT NULL DEFAULT 0;
