"""Workers of Dask in threads of the test, which start at once, and a cohort of two patients."""

import shutil

import pytest

import napari_jsn as jsn

pytest.importorskip("distributed")


@pytest.fixture(scope="session")
def scheduler():
    """The address of a scheduler with two workers."""
    from distributed import LocalCluster

    options = {"processes": False, "threads_per_worker": 1, "dashboard_address": None, "protocol": "tcp://"}
    with LocalCluster(n_workers=2, **options) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def trial(tmp_path):
    """A folder with two patients, and one without a radiograph."""
    for name in ("A01", "A02"):
        shutil.copytree(jsn.sample_folder("hand_pair"), tmp_path / "trial" / name)
    (tmp_path / "trial" / "A03 Doe").mkdir()
    (tmp_path / "trial" / "truth.csv").write_text("patient\n")
    return tmp_path / "trial"
