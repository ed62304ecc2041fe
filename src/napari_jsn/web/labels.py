"""The texts of the page, in the languages of ``labels.json``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

#: Languages, and how they name themselves.
LANGUAGES = {"en": "English", "de": "Deutsch", "ru": "Русский"}
_FILE = Path(__file__).with_name("labels.json")


@cache
def labels(language: str) -> dict[str, str]:
    """Return all texts by name; English ones where a language lacks one."""
    content = json.loads(_FILE.read_text("utf-8"))
    return {**content["en"], **content.get(language, {})}


def chosen_language(asked: str, header: str) -> str:
    """Return the language that a reader asked for, or the first known one of the header ``Accept-Language``."""
    if asked in LANGUAGES:
        return asked
    for part in header.split(","):
        name = part.split(";")[0].strip().lower()[:2]
        if name in LANGUAGES:
            return name
    return "en"
