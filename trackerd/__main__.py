"""``python -m trackerd``."""

from trackerd.cli import main

main()
