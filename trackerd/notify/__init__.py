"""Telling the world beside the broker: who is told what, when it may go, how it is sent."""
