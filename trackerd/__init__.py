"""trackerd: where a town's wardens are, and which problem zones were visited or skipped."""

import logging

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())  # only the daemon's own command makes it speak
