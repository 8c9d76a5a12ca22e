"""Trackers: bytes in, fixes out."""
