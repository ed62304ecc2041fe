"""Measure joint space widths: ``python -m napari_jsn.evaluation.width``; ``--card`` fits their uncertainty."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from napari_jsn.evaluation.page import put_section
from napari_jsn.evaluation.width.accuracy import CARD, PAGE, card, real_lines, simulated_lines


def main() -> None:
    """Measure, print and write the page, or fit and write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joints", type=int, default=420, help="simulated joints, each at two visits")
    parser.add_argument("--card", action="store_true", help="fit the uncertainty on other joints and write its card")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    if options.card:
        content = card(options.joints)
        CARD.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(content, indent=2))
        return
    lines, milliseconds = simulated_lines(options.joints)
    real = real_lines()
    note = f"One width takes {milliseconds:.0f} ms on one CPU core, bones found before."
    lines = [*lines, "", *real, "", note]
    print("\n".join(lines))
    put_section(options.page, "python -m napari_jsn.evaluation.width", lines)


if __name__ == "__main__":
    main()
