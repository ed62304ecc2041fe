import types

import numpy as np

from napari_jsn.networks.cached_arrays import cached_arrays


def test_arrays_are_made_again_only_when_code_has_changed(tmp_path):
    folder, calls = tmp_path / "package", []
    (folder / "inner").mkdir(parents=True)
    for path in (folder / "__init__.py", folder / "inner" / "part.py"):
        path.write_text("a = 1")
    package = types.ModuleType("package")
    package.__file__ = str(folder / "__init__.py")

    def make():
        calls.append(1)
        return {"numbers": np.arange(3), "names": np.array(["a", "b"])}

    for _ in range(2):
        arrays = cached_arrays("toys-3", package, make, tmp_path / "cache")
        assert arrays["numbers"].tolist() == [0, 1, 2] and tuple(arrays["names"]) == ("a", "b")
    assert len(calls) == 1
    (folder / "inner" / "part.py").write_text("a = 2")
    cached_arrays("toys-3", package, make, tmp_path / "cache")
    assert len(calls) == 2
