"""The room with the map: the HTTP API and the pages, in a thread of their own beside the one that turns."""
