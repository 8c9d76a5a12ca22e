-- Step 2: what was owed, what is to be judged again, and how far back the record reaches. Some files from before the
-- first release have a part of it.
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
