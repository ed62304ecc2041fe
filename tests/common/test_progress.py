"""Progress that counts items and leaves at an abort."""

import pytest

from napari_jsn.common.progress import Aborted, counted


class Recorder:
    def __init__(self, abort_after=10**6):
        self.updates, self._abort_after = [], abort_after

    def update(self, done, total, message=""):
        self.updates.append((done, total, message))

    @property
    def aborted(self):
        return len(self.updates) >= self._abort_after


def test_every_item_is_counted():
    progress = Recorder()
    assert list(counted(iter("abc"), 3, "Making", progress)) == ["a", "b", "c"]
    assert progress.updates == [(k, 3, "Making") for k in (1, 2, 3)]
    assert list(counted("ab", 2, "", None)) == ["a", "b"]


@pytest.mark.parametrize("after", [1, 2, 3])
def test_nothing_more_is_made_after_an_abort(after):
    made = []
    items = (made.append(k) for k in range(9))
    with pytest.raises(Aborted):
        list(counted(items, 9, "Making", Recorder(after)))
    assert made == list(range(after))
