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


def test_a_file_of_an_older_simulator_is_removed(tmp_path, cached):
    cached(tmp_path / "cache")
    for other in ("toys-33-0123456789ab", "toys-3-4-0123456789ab", "boys-3-0123456789ab"):
        (tmp_path / "cache" / f"{other}.npz").write_bytes(b"")
    (tmp_path / "cache" / "toys-3-0123456789ab.npz").write_bytes(b"")
    (tmp_path / "__init__.py").write_text("a = 2")
    cached(tmp_path / "cache")
    assert cached.made == 2 and len(list((tmp_path / "cache").iterdir())) == 4
    folder, count, _ = clear_cache(tmp_path / "cache")
    assert (folder, count) == (tmp_path / "cache", 4) and not list(folder.iterdir())
    assert clear_cache(tmp_path / "none")[1:] == (0, 0)
