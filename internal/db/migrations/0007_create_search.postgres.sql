-- pairs are hashes of owner, 12 days and the characters and pairs of body,
-- which is folded. They are never estimated by statistics.
ALTER TABLE search_documents ADD COLUMN body TEXT COLLATE "C" NOT NULL;
ALTER TABLE search_documents ADD COLUMN pairs BIGINT[] NOT NULL;
ALTER TABLE search_documents ALTER COLUMN pairs SET STATISTICS 0;
CREATE INDEX search_documents_by_pairs ON search_documents USING GIN (pairs) WITH (gin_pending_list_limit = 64);
