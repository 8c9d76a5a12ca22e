-- Step 2: what was owed, what is to be judged again, and how far back the record reaches.
CREATE TABLE rejudge (device TEXT COLLATE "C" PRIMARY KEY, since BIGINT NOT NULL);
-- start, end: the window; outcome: NULL until it is judged; closed: it was judged when all was over; event: the event
-- that tells it; said: JSON of the terms, of who was on duty and of the verdict, enough to judge it again.
CREATE TABLE verdict (
    id TEXT COLLATE "C" PRIMARY KEY, requirement TEXT NOT NULL, zone TEXT COLLATE "C" NOT NULL,
    start BIGINT NOT NULL, "end" BIGINT NOT NULL, outcome TEXT, closed BOOLEAN NOT NULL,
    revision INTEGER NOT NULL, event TEXT, said TEXT NOT NULL
);
CREATE INDEX verdict_end ON verdict ("end");
CREATE INDEX verdict_zone ON verdict (zone, start);
CREATE INDEX verdict_open ON verdict (id) WHERE NOT closed;
CREATE TABLE frontier (upto BIGINT NOT NULL);  -- windows that ended by then are among the verdicts
-- Letters that could not be told: how often tried, since when, when again, why; dead: set aside.
CREATE TABLE trouble (
    route TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, tries INTEGER NOT NULL, since BIGINT NOT NULL,
    next BIGINT NOT NULL, error TEXT NOT NULL, dead BOOLEAN NOT NULL, PRIMARY KEY (route, seq)
);
-- When each device was heard, by the hour: for reports and dashboards.
CREATE VIEW fix_hourly AS
    SELECT device, time / 3600000000 * 3600000000 AS hour, count(*) AS fixes, min(time) AS first, max(time) AS last
    FROM fix GROUP BY 1, 2;
-- One position a minute of what exact positions are kept no longer; NULL accuracy where none was stated.
CREATE TABLE fix_thin (
    device INTEGER NOT NULL, minute BIGINT NOT NULL, time BIGINT NOT NULL, lon DOUBLE PRECISION NOT NULL,
    lat DOUBLE PRECISION NOT NULL, accuracy_m DOUBLE PRECISION, warden INTEGER, PRIMARY KEY (device, minute)
);
CREATE INDEX fix_thin_time ON fix_thin (time);
-- Up to which moment a device's exact positions are kept no longer, and how far they are thinned already.
CREATE TABLE horizon (device INTEGER PRIMARY KEY, upto BIGINT NOT NULL, thinned BIGINT NOT NULL);
CREATE INDEX quarantine_received ON quarantine (received);
-- Of which version the states in track and checkpoint are.
CREATE TABLE state_version (version INTEGER NOT NULL);
