-- The embedded store, version 1. Times are microseconds UTC; NULL where nothing was said.
CREATE TABLE name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);  -- devices and wardens, by number
CREATE TABLE fix (
    device INTEGER NOT NULL, time INTEGER NOT NULL, lon REAL NOT NULL, lat REAL NOT NULL,
    accuracy_m REAL, speed_mps REAL, course_deg REAL, altitude_m REAL, hdop REAL, battery_pct REAL,
    flags INTEGER NOT NULL, sos INTEGER NOT NULL, warden INTEGER, received INTEGER,
    PRIMARY KEY (device, time)
) WITHOUT ROWID;
-- The state of each device, now and about every hour before; upto: how far its time had passed.
CREATE TABLE track (device TEXT PRIMARY KEY, upto INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE checkpoint (
    device TEXT NOT NULL, upto INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (device, upto)
) WITHOUT ROWID;
CREATE TABLE dirty (device TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;  -- to be revised, since when
-- The same for what was judged by their fixes.
CREATE TABLE rejudge (device TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID;
-- What was owed, and what became of it. start, end: the window; outcome: NULL until it is judged; closed: it was
-- judged when all was over; event: the event that tells it; said: JSON of the terms, of who was on duty and of the
-- verdict, enough to judge it again.
CREATE TABLE verdict (
    id TEXT PRIMARY KEY, requirement TEXT NOT NULL, zone TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL,
    outcome TEXT, closed INTEGER NOT NULL, revision INTEGER NOT NULL, event TEXT, said TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX verdict_end ON verdict ("end");
CREATE INDEX verdict_zone ON verdict (zone, start);
CREATE INDEX verdict_open ON verdict (id) WHERE NOT closed;
CREATE TABLE frontier (upto INTEGER NOT NULL);  -- windows that ended by then are among the verdicts
-- Which zones were in force since when; zones: GeoJSON, zlib.
CREATE TABLE edition (since INTEGER PRIMARY KEY, version TEXT NOT NULL, zones BLOB NOT NULL);
-- The ledger: each visit as the last standing event about it tells.
CREATE TABLE visit (
    id TEXT PRIMARY KEY, device TEXT NOT NULL, zone TEXT NOT NULL, warden TEXT, team TEXT,
    began INTEGER NOT NULL, ended INTEGER, seconds REAL NOT NULL, seconds_possible REAL NOT NULL,
    confidence REAL NOT NULL, zones_version TEXT NOT NULL, revision INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX visit_began ON visit (began);
CREATE INDEX visit_zone ON visit (zone, began);
-- body: as the world is told it. said: in the engine's words; decided, visit and said are NULL where nothing can be
-- revised (an SOS, a retraction).
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, time INTEGER NOT NULL,
    zone TEXT, device TEXT, body TEXT NOT NULL,
    decided INTEGER, visit TEXT, revision INTEGER, warden TEXT, team TEXT, said TEXT,
    retracted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX event_time ON event (time);
CREATE INDEX event_decided ON event (device, decided) WHERE decided IS NOT NULL;
CREATE INDEX event_visit ON event (visit) WHERE visit IS NOT NULL;
CREATE TABLE outbox (route TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (route, seq)) WITHOUT ROWID;
-- Letters that could not be told: how often tried, since when, when again, why; dead: set aside.
CREATE TABLE trouble (
    route TEXT NOT NULL, seq INTEGER NOT NULL, tries INTEGER NOT NULL, since INTEGER NOT NULL, next INTEGER NOT NULL,
    error TEXT NOT NULL, dead INTEGER NOT NULL, PRIMARY KEY (route, seq)
) WITHOUT ROWID;
CREATE TABLE pulse (device TEXT PRIMARY KEY, received INTEGER NOT NULL, why TEXT NOT NULL, battery_pct REAL)
    WITHOUT ROWID;
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, received INTEGER NOT NULL, why TEXT NOT NULL,
    detail TEXT NOT NULL, data BLOB NOT NULL, device TEXT
);
-- Breaks of the wardens; windows that need not be met; devices nobody carries, and how often they were heard.
CREATE TABLE rest (warden TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, by TEXT NOT NULL,
    PRIMARY KEY (warden, start)) WITHOUT ROWID;
CREATE TABLE waiver (
    requirement TEXT NOT NULL, zone TEXT NOT NULL, start INTEGER NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (requirement, zone, start)
) WITHOUT ROWID;
CREATE INDEX waiver_start ON waiver (start);
CREATE TABLE unheld (device TEXT PRIMARY KEY, times INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;
