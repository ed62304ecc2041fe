"""Check that the public names of the package are typed: ``python tools/verify_types.py``.

Runs pyright on the installed package, prints the completeness score and the number of public symbols, and fails below
the least score.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

LEAST = 0.98


def main() -> int:
    """Run pyright and return the exit status."""
    command = [sys.executable, "-m", "pyright", "--ignoreexternal", "--verifytypes", "napari_jsn", "--outputjson"]
    # pyright takes the first python of the path as the environment that it checks
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": path})
    try:
        report = json.loads(done.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        return 1
    counts = report["exportedSymbolCounts"]
    score = report["completenessScore"]
    symbols = sum(counts.values())
    print(f"Type completeness {100 * score:.1f} % of {symbols} public symbols (least {100 * LEAST:.0f} %).")
    if score >= LEAST:
        return 0
    for symbol in report["symbols"]:
        for problem in symbol["diagnostics"] if symbol["isExported"] else ():
            print(f"{symbol['name']}: {problem['message'].splitlines()[0]}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
