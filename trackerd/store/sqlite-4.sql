-- Who asked where people were, when, and why; the place coarsely.
CREATE TABLE asking (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, by TEXT NOT NULL, question TEXT NOT NULL,
    about TEXT NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, purpose TEXT NOT NULL
);
CREATE INDEX asking_at ON asking (at);
