-- Step 2: what was owed, what is to be judged again, letters in trouble, and how far back the record reaches. Some
-- files from before the first release have a part of it.
CREATE TABLE IF NOT EXISTS rejudge (device TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
-- What was owed, and what became of it. start, end: the window; outcome: NULL until it is judged; closed: it was
-- judged when all was over; event: the event that tells it; said: JSON of the terms, of who was on duty and of the
-- verdict, enough to judge it again.
CREATE TABLE IF NOT EXISTS verdict (
    id TEXT PRIMARY KEY, requirement TEXT NOT NULL, zone TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    outcome TEXT, closed INTEGER NOT NULL, revision INTEGER NOT NULL, event TEXT, said TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS verdict_end ON verdict ("end");
CREATE INDEX IF NOT EXISTS verdict_zone ON verdict (zone, start);
CREATE INDEX IF NOT EXISTS verdict_open ON verdict (id) WHERE NOT closed;
CREATE TABLE IF NOT EXISTS frontier (upto INTEGER NOT NULL);  -- windows that ended by then are among the verdicts
-- Letters that could not be told: how often tried, since when, when again, why; dead: set aside.
CREATE TABLE IF NOT EXISTS trouble (
    route TEXT NOT NULL, seq INTEGER NOT NULL, tries INTEGER NOT NULL, since INTEGER NOT NULL, next INTEGER NOT NULL,
    error TEXT NOT NULL, dead INTEGER NOT NULL, PRIMARY KEY (route, seq)
) WITHOUT ROWID;
-- When each device was heard, by the hour: for reports and dashboards.
CREATE VIEW fix_hourly AS
    SELECT device, time / 3600000000 * 3600000000 AS hour, count(*) AS fixes, min(time) AS first, max(time) AS last
    FROM fix GROUP BY 1, 2;
-- One position a minute of what exact positions are kept no longer; NULL accuracy where none was stated.
CREATE TABLE fix_thin (
    device INTEGER NOT NULL, minute INTEGER NOT NULL, time INTEGER NOT NULL, lon REAL NOT NULL, lat REAL NOT NULL,
    accuracy_m REAL, warden INTEGER, PRIMARY KEY (device, minute)
) WITHOUT ROWID;
CREATE INDEX fix_thin_time ON fix_thin (time);
-- Up to which moment a device's exact positions are kept no longer, and how far they are thinned already.
CREATE TABLE horizon (device INTEGER PRIMARY KEY, upto INTEGER NOT NULL, thinned INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX quarantine_received ON quarantine (received);
-- Of which version the states in track and checkpoint are.
CREATE TABLE state_version (version INTEGER NOT NULL);
