"""The menu of models: shipped ones and the user's own, a new one as soon as it is saved."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_jsn.networks.weights import names
from napari_jsn.viewer.forms.fields import ChoiceField


class _Models(QObject):
    """Tells every menu that there is another model."""

    changed = Signal(str, str)  # task and name


models = _Models()


class ModelField(ChoiceField):
    """A model of a task by name."""

    def __init__(self, label: str, tip: str, task: str = "segmentation") -> None:
        super().__init__(label, tip, names(task), "default")
        self._task = task
        models.changed.connect(self._renew)

    def value(self) -> str | None:  # type: ignore[override]
        """The name; None where there is no model yet."""
        return super().value() or None

    def _renew(self, task: str, name: str) -> None:
        if task == self._task:
            self.offer(names(task))
