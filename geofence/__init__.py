"""The engine: fixes in, what they mean in the town's zones out. No clock, file, socket, log or database here."""
