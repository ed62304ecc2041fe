import types

import numpy as np
import pytest

from napari_jsn.networks.cached_arrays import cached_arrays, clear_cache


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


@pytest.fixture
def cached(tmp_path):
    """Call ``cached(folder)``: returns the arrays, and counts how often they were made."""
    (tmp_path / "__init__.py").write_text("a = 1")
    package = types.ModuleType("package")
    package.__file__ = str(tmp_path / "__init__.py")

    def get(folder):
        def make():
            get.made += 1
            return {"numbers": np.arange(300)}

        return cached_arrays("toys-3", package, make, folder)["numbers"].tolist()

    get.made = 0
    return get


@pytest.mark.parametrize("kept", [0, 1, 30, 0.5, 0.9, -3, "PK nothing", "foreign"])
def test_a_damaged_file_is_made_again_and_said(tmp_path, cached, caplog, kept):
    cached(tmp_path / "cache")
    (path,) = (tmp_path / "cache").iterdir()
    whole = path.read_bytes()
    content = kept.encode() if isinstance(kept, str) else whole[: round(kept * len(whole)) if kept % 1 else kept]
    path.write_bytes(content)
    assert cached(tmp_path / "cache") == list(range(300)) and cached.made == 2
    assert f"{path} are simulated again" in caplog.text and "BadZipFile" not in caplog.text
    assert cached(tmp_path / "cache") == list(range(300)) and cached.made == 2


@pytest.mark.parametrize("fault", ["a file", "inside a file", "a folder of that name"])
def test_a_cache_that_cannot_be_written_loses_nothing(tmp_path, cached, caplog, fault):
    folder = tmp_path / "cache"
    if fault == "a folder of that name":
        cached(folder)
        (path,) = folder.iterdir()
        path.unlink()
        path.mkdir()
    else:
        (tmp_path / "afile").write_text("")
        folder = tmp_path / "afile" / ("" if fault == "a file" else "inside")
    assert cached(folder) == list(range(300))
    assert "The simulated images are not kept" in caplog.text and str(tmp_path) in caplog.text


@pytest.mark.parametrize("count", [1, 2, 4])
def test_arrays_of_another_simulator_are_made_again_and_kept_until_the_cache_is_cleared(tmp_path, cached, count):
    for version in range(count):
        (tmp_path / "__init__.py").write_text(f"a = {version}")
        for _ in range(2):
            cached(tmp_path / "cache")
    assert cached.made == count and len(list((tmp_path / "cache").iterdir())) == count
    folder, removed, size = clear_cache(tmp_path / "cache")
    assert (folder, removed) == (tmp_path / "cache", count) and size > 0 and not list(folder.iterdir())
    assert clear_cache(tmp_path / "none")[1:] == (0, 0)
