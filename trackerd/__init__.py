"""trackerd: where a town's wardens are, and which problem zones were visited or skipped."""

__version__ = "0.1.0"
