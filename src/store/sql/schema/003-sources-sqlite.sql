-- Which tables a virtual table is computed from, over however many virtual ones between: a write to one of them changes it. seq: the
-- last write of the source that was passed on, as a write of the virtual table in scheduler_changes. The row (0, 0) says that
-- this was looked for once.
CREATE TABLE scheduler_sources (
	table_id INTEGER NOT NULL,
	source_id INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	PRIMARY KEY (table_id, source_id)
) WITHOUT ROWID;
CREATE INDEX scheduler_ix_sources_source ON scheduler_sources (source_id);
