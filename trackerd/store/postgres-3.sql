-- Breaks of the wardens; windows that need not be met; devices nobody carries, and how often they were heard.
ALTER TABLE quarantine ADD COLUMN device TEXT COLLATE "C";
CREATE TABLE rest (
    warden TEXT COLLATE "C" NOT NULL, start BIGINT NOT NULL, "end" BIGINT NOT NULL, by TEXT NOT NULL,
    PRIMARY KEY (warden, start)
);
CREATE TABLE waiver (
    requirement TEXT COLLATE "C" NOT NULL, zone TEXT COLLATE "C" NOT NULL, start BIGINT NOT NULL, reason TEXT NOT NULL,
    by TEXT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (requirement, zone, start)
);
CREATE INDEX waiver_start ON waiver (start);
CREATE TABLE unheld (device TEXT COLLATE "C" PRIMARY KEY, times BIGINT NOT NULL, last BIGINT NOT NULL);
