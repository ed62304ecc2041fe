"""Check that the public names of napari-jsn have static types, with pyright; exit with 1 below the limit.

``pyright --verifytypes`` counts the symbols of all modules whose type a user's type checker knows without guessing.
Types of other packages are not counted.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PACKAGE = "napari_jsn"
#: Least share of the public symbols with a known type.
LEAST = 0.98


def main() -> int:
    """Print the share of symbols with a known type and the others by name; return the exit status."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [sys.executable, "-m", "pyright", "--outputjson", "--ignoreexternal", "--verifytypes", PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    try:
        report: dict[str, Any] = json.loads(done.stdout)["typeCompleteness"]
        counts, share = report["exportedSymbolCounts"], report["completenessScore"]
    except (json.JSONDecodeError, KeyError):
        print(done.stdout + done.stderr, f"pyright could not check {PACKAGE}.", sep="\n", file=sys.stderr)
        return 1
    print(f"{share:.1%} of {sum(counts.values())} public symbols of {PACKAGE} have a known type.")
    for symbol in report["symbols"]:
        if symbol["isExported"] and not symbol["isTypeKnown"]:
            reason = symbol["diagnostics"][0]["message"].split("\n")[0] if symbol["diagnostics"] else "see its members"
            print(f"  {symbol['name']}: {reason}")
    if share < LEAST:
        print(f"At least {LEAST:.0%} are needed. Add annotations.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
