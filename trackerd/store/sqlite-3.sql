-- Breaks of the wardens; windows that need not be met; devices nobody carries, and how often they were heard.
ALTER TABLE quarantine ADD COLUMN device TEXT;
CREATE TABLE rest (
    warden TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, by TEXT NOT NULL, PRIMARY KEY (warden, start)
) WITHOUT ROWID;
CREATE TABLE waiver (
    requirement TEXT NOT NULL, zone TEXT NOT NULL, start INTEGER NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (requirement, zone, start)
) WITHOUT ROWID;
CREATE INDEX waiver_start ON waiver (start);
CREATE TABLE unheld (device TEXT PRIMARY KEY, times INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;
