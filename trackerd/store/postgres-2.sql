-- Step 2: what was owed, what is to be judged again, and how far back the record reaches.
CREATE TABLE rejudge (device TEXT COLLATE "C" PRIMARY KEY, since BIGINT NOT NULL);
-- start, end: the window; outcome: NULL until it is judged; closed: it was judged when all was over; event: the event
-- that tells it; said: JSON of the terms, of who was on duty and of the verdict, enough to judge it again.
CREATE TABLE verdict (
    id TEXT COLLATE "C" PRIMARY KEY, requirement TEXT COLLATE "C" NOT NULL, zone TEXT COLLATE "C" NOT NULL, start BIGINT NOT NULL, "end" BIGINT NOT NULL,
    outcome TEXT, closed BOOLEAN NOT NULL, revision INTEGER NOT NULL, event TEXT, said TEXT NOT NULL
);
CREATE INDEX verdict_end ON verdict ("end");
CREATE INDEX verdict_zone ON verdict (zone, start);
CREATE INDEX verdict_open ON verdict (id) WHERE NOT closed;
CREATE TABLE frontier (upto BIGINT NOT NULL);  -- windows that ended by then are among the verdicts
-- Letters that could not be told: how often tried, since when, when again, why; dead: set aside.
CREATE TABLE trouble (
    route TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, tries INTEGER NOT NULL, since BIGINT NOT NULL, next BIGINT NOT NULL,
    error TEXT NOT NULL, dead BOOLEAN NOT NULL, PRIMARY KEY (route, seq)
);
