"""Point the CMake exports of the ROS wheels at this Python.

The wheels carry two paths of the machine that built them: Python's headers and numpy's. In the environment
that runs it, this script replaces them by the ones that are here. Running it again changes nothing.
"""

import re
import sys
import sysconfig
from pathlib import Path

import numpy

FOREIGN_HEADERS = re.compile(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+")
FOREIGN_NUMPY = re.compile(r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/_?core/include")


def main() -> int:
    headers, numpy_headers = sysconfig.get_path("include"), numpy.get_include()
    if not (Path(headers) / "Python.h").is_file():
        print(f"error: {headers}/Python.h is missing; install the headers of this Python", file=sys.stderr)
        return 1
    changed = 0
    for export in sorted(Path(sys.prefix, "share").glob("*/cmake/*.cmake")):
        before = export.read_text(encoding="utf-8")
        after = FOREIGN_NUMPY.sub(lambda _: numpy_headers, before)
        after = FOREIGN_HEADERS.sub(lambda _: headers, after)
        if after != before:
            export.write_text(after, encoding="utf-8")
            changed += 1
    print(f"CMake exports pointed at {headers}: {changed} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
