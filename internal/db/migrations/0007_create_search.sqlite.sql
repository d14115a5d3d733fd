-- Pairs of characters as words, each after the key of its owner (8 characters);
-- the prefix index of owner and one character finds single characters.
CREATE VIRTUAL TABLE search_index USING fts5 (pairs, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '9');
-- Two segments of a level may be joined when there is time.
INSERT INTO search_index (search_index, rank) VALUES ('usermerge', 2);
CREATE TRIGGER search_documents_deleted AFTER DELETE ON search_documents BEGIN DELETE FROM search_index WHERE rowid = OLD.id; END;
