import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from napari_jsn import InputError
from napari_jsn.networks import weights
from napari_jsn.training.place import reserved_place
from napari_jsn.training.train import train


@pytest.mark.parametrize("out", [True, False])
def test_names_of_trainings_that_run_are_not_given_again(tmp_path, models, out):
    folder, first = (tmp_path, "toy") if out else (models, "my-toy")
    given = folder if out else None
    with ExitStack() as stack:
        places = [stack.enter_context(reserved_place("segmentation", "toy", given, None)) for _ in range(4)]
        assert places == [(folder, first + end) for end in ("", "-2", "-3", "-4")]
        with (
            pytest.raises(InputError, match=f"'{first}-2' is running") as error,
            reserved_place("segmentation", "toy", given, f"{first}-2"),
        ):
            pass
        assert error.value.argument == "name"
    assert not folder.exists() or not [path for path in folder.iterdir() if path.name.endswith(".lock")]
    with reserved_place("segmentation", "toy", given, None) as (_, name):
        assert name == first


@pytest.mark.parametrize("name", ["mine", "toy", None])
def test_a_finished_model_is_replaced_only_if_that_is_asked_for(toy, tmp_path, name):
    first = train(toy(), 1, out=tmp_path, name=name)
    before = first.path.read_bytes()
    if name is None:
        other = train(toy(), 1, out=tmp_path, seed=5)
        assert other.card["name"] == "toy-2" and first.path.read_bytes() == before
        return
    with pytest.raises(InputError, match="--replace") as error:
        train(toy(), 1, out=tmp_path, name=name, seed=5)
    assert error.value.argument == "name" and first.path.read_bytes() == before
    again = train(toy(), 1, out=tmp_path, name=name, seed=5, replace=True)
    assert again.path == first.path and again.path.read_bytes() != before
    assert weights.load("segmentation", str(again.path))[1]["seed"] == 5


def test_a_shipped_model_is_not_replaced(toy, models):
    for replace in (False, True):
        with pytest.raises(InputError, match="comes with the program"):
            train(toy(), 1, name="default", replace=replace)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_is_named(toy, tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="cannot be written to"):
            train(toy(), 1, out=tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("where", ["", "inside", "inside/deeper"])
def test_a_models_folder_that_is_no_folder_is_named_with_the_variable(toy, tmp_path, monkeypatch, where):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NAPARI_JSN_MODELS", str(tmp_path / "file" / where))
    with pytest.raises(InputError, match="NAPARI_JSN_MODELS") as error:
        train(toy(), 1)
    assert error.value.argument is None and str(tmp_path / "file") in str(error.value)


RUN = """
import sys
sys.path.insert(0, {tests!r})
from conftest import ToyTask
from napari_jsn.training.train import train
print("ready", flush=True)
sys.stdin.readline()
trained = train(ToyTask(), 2, seed={seed})
print(trained.card["name"], trained.card["seed"])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.parametrize("count", [2, 6, 12])
def test_processes_at_once_have_different_names(tmp_path, count):
    import multiprocessing

    context = multiprocessing.get_context("fork")
    found, barrier = context.Queue(), context.Barrier(count)

    def reserve():
        barrier.wait(30)
        with reserved_place("segmentation", "toy", tmp_path / "new", None) as (_, name):
            found.put(name)
            barrier.wait(30)

    processes = [context.Process(target=reserve) for _ in range(count)]
    for process in processes:
        process.start()
    names = {found.get(timeout=30) for _ in range(count)}
    for process in processes:
        process.join(30)
    assert names == {"toy", *(f"toy-{k}" for k in range(2, count + 1))}
    assert not list(tmp_path.glob("new/.*"))


@pytest.mark.long
def test_trainings_at_once_give_as_many_models_with_true_cards(toy, models, tmp_path):
    tests = str(Path(__file__).parent)
    runs = [
        subprocess.Popen([sys.executable, "-c", RUN.format(tests=tests, seed=seed)], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for seed in range(6)
    ]  # fmt: skip
    for run in runs:
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        run.stdin.write("\n")
        run.stdin.flush()
    names = {}
    for seed, run in enumerate(runs):
        printed, error = run.communicate(timeout=120)
        assert run.returncode == 0, error
        names[printed.split()[0]] = seed
    assert sorted(names) == ["my-toy", *(f"my-toy-{k}" for k in range(2, 7))]
    assert len(list(models.glob("*.safetensors"))) == 6 and not list(models.glob(".*"))
    alone = {seed: train(toy(), 2, out=tmp_path / str(seed), seed=seed) for seed in (0, 5)}
    for name, seed in names.items():
        state, card = weights.load("segmentation", name)
        assert (card["name"], card["seed"]) == (name, seed) and f"--seed {seed}" in card["command"]
        if seed in alone:
            wanted = weights.load("segmentation", str(alone[seed].path))[0]
            assert all(state[key].equal(wanted[key]) for key in wanted)


@pytest.mark.parametrize("name", ["it", "it.x", "i-t_2"])
def test_what_a_killed_training_left_half_written_is_removed_by_the_next_of_its_name(tmp_path, name):
    own = tmp_path / f".segmentation-{name}.ckpt.123.part"
    others = [tmp_path / f".segmentation-{other}.ckpt.123.part" for other in (f"{name}.more", "another", f"{name}-2")]
    for path in (own, *others):
        path.write_bytes(b"half")
    with reserved_place("segmentation", "toy", tmp_path, name):
        assert not own.exists() and all(path.exists() for path in others)
