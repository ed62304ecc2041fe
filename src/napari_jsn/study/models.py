"""What a study was measured with: models and their hashes."""

from __future__ import annotations

import json

from napari_jsn import weights


def model_identity(task: str, name: str) -> str:
    """Name and first digits of the hash of a model's weights: ``"default 1a2b3c4d5e6f"``.

    Raises
    ------
    InputError
        If there is no such model.
    """
    path = weights.find(task, name)
    try:
        digest = str(json.loads(path.with_suffix(".json").read_text("utf-8")).get("sha256", ""))
    except (OSError, ValueError, AttributeError):
        digest = ""  # what loads the model says what is wrong with its card
    return f"{path.stem.removeprefix(f'{task}-')} {digest[:12]}".strip()
