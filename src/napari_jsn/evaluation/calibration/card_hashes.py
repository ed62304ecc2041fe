"""Write to every shipped card the hash of its own contents, so that a changed card is refused when it is read.

Commands that write a card write this hash, too. Run this one after a card was changed in another way.
"""

from __future__ import annotations

import argparse

from napari_jsn.networks.weights import write_card_hashes


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add no options: the command has none."""


def main(options: argparse.Namespace) -> None:
    """Write the hashes, and print the cards that changed."""
    changed = write_card_hashes()
    print("\n".join(f"Written: {path}" for path in changed) or "All cards have the hash of their contents.")
