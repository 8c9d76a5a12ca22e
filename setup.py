"""What pyproject.toml cannot say: the modules that are compiled.

What is done with every single fix is plain typed Python, and is compiled to C by mypyc, which is part of mypy. What
must stay true here: these modules say the same, bit by bit, compiled or not; so where there is no C compiler, or no
header of Python's, the package is built all the same, says so, and runs them as they are, four to ten times as slowly.
TRACKERD_COMPILED=required makes that a fault, TRACKERD_COMPILED=no leaves them as they are.
"""

import os
import sys

from setuptools import setup

GEOFENCE = [
    "around", "belief", "borders", "bounds", "doubt", "earth", "folds", "leaves", "ledger", "legs", "look", "lookup",
    "motion", "names", "order", "spans", "terms", "track", "wire",
]  # fmt: skip
COMPILED = [*(f"geofence/{name}.py" for name in GEOFENCE), "devices/csv_scan.py", "trackerd/latest.py"]
wanted = os.environ.get("TRACKERD_COMPILED", "")
extensions = []
if wanted != "no" and {"bdist_wheel", "editable_wheel"} & set(sys.argv):  # the other steps of a build need none
    from mypyc.build import mypycify

    # What they import from other packages is not there while building; the types are checked by `make check`.
    flags = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
    extensions = mypycify([*flags, *COMPILED], group_name="geofence")
    for extension in extensions:
        # A product and a sum rounded at once, where a processor can, would be another number. What nobody else can call
        # by name is called directly, and may be written out where it is called.
        extension.extra_compile_args += ["-ffp-contract=off", "-fvisibility=hidden"]
        extension.optional = wanted != "required"
setup(ext_modules=extensions)
