"""Radiographs that were moved, renamed, changed, deleted, or given without a file."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from napari_jsn.common.errors import InputError


@pytest.fixture
def films(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "data" / "P001")


@pytest.fixture
def saved(store, measured, films):
    """The store with the patient whose films lie in ``films``."""
    hands = tuple(
        replace(hand, radiograph=replace(hand.radiograph, path=films / hand.radiograph.path.name))
        for hand in measured.hands
    )
    store.save(replace(measured, hands=hands))
    return store


def pixels(progression):
    return [hand.radiograph.pixels for hand in progression.hands]


@pytest.mark.parametrize("way", ["renamed", "in a subfolder", "in the folder above", "exchanged", "touched"])
def test_moved_files_are_found_by_their_hash(saved, measured, films, way):
    paths = sorted(films.glob("*.dcm"))
    if way == "renamed":
        for k, path in enumerate(paths):
            path.rename(films / f"other{k}")
    elif way == "in a subfolder":
        (films / "deep" / "er").mkdir(parents=True)
        paths[0].rename(films / "deep" / "er" / "x.dcm")
    elif way == "in the folder above":
        paths[1].rename(films.parent / paths[1].name)
    elif way == "exchanged":
        paths[0].rename(films / "t")
        paths[1].rename(paths[0])
        (films / "t").rename(paths[1])
    else:
        for path in paths:
            path.touch()
    for found, original in zip(pixels(saved.progression("P001")), pixels(measured)):
        np.testing.assert_array_equal(found, original)


@pytest.mark.parametrize("named", ["files", "whole folder"])
def test_files_elsewhere_are_found_in_the_folder_that_is_named(saved, measured, films, tmp_path, named):
    elsewhere = tmp_path / "far" / "away"
    elsewhere.mkdir(parents=True)
    for path in films.glob("*.dcm"):
        path.rename(elsewhere / path.name) if named == "files" else None
    if named != "files":
        films.rename(elsewhere / "moved")
    with pytest.raises(InputError, match="no longer at .* Name the folder") as asked:
        saved.progression("P001")
    assert asked.value.argument == "folders"
    found = saved.progression("P001", folders=[tmp_path / "far"])
    np.testing.assert_array_equal(pixels(found)[0], pixels(measured)[0])


@pytest.mark.parametrize("way", ["cut off", "one byte", "another file"])
def test_a_changed_file_is_refused(saved, films, way, tmp_path):
    path = sorted(films.glob("*.dcm"))[0]
    content = path.read_bytes()
    if way == "another file":
        path.write_bytes(sorted(films.glob("*.dcm"))[1].read_bytes())
    else:
        path.write_bytes(content[:-100] if way == "cut off" else content[:-100] + b"\x01" + content[-99:])
    with pytest.raises(InputError, match="was changed since it was measured"):
        saved.progression("P001")
    assert len(saved.measurements()) == 3  # the tables do not need the files


def test_pixels_are_compared_when_they_are_read(saved, films):
    found = saved.progression("P001")
    path = sorted(films.glob("*.dcm"))[0]
    path.write_bytes(sorted(films.glob("*.dcm"))[1].read_bytes())
    with pytest.raises(InputError, match="pixels of .* differ"):
        found.hands[0].radiograph.pixels  # noqa: B018


def test_radiographs_without_a_file_are_asked_for(store, measured):
    bare = replace(
        measured,
        hands=tuple(replace(hand, radiograph=replace(hand.radiograph, path=None)) for hand in measured.hands),
    )
    store.save(bare)
    with pytest.raises(InputError, match="given as pixels, without a file"):
        store.progression("P001")
    given = {(hand.visit, hand.side): hand.radiograph for hand in bare.hands}
    assert store.progression("P001", radiographs=given).hands[0].radiograph is bare.hands[0].radiograph
    given[2, "L"] = given[1, "L"]
    with pytest.raises(InputError, match="differ from those that were measured"):
        store.progression("P001", radiographs=given)


def test_parts_and_negatives_of_a_file_are_restored(store, measured):
    hand = measured.hands[0]
    part = replace(hand.radiograph, pixels=1 - hand.radiograph.pixels[30:-20, 10:-40], origin=(30, 10))
    hands = (replace(hand, radiograph=part), *measured.hands[1:])
    store.save(replace(measured, hands=hands))
    np.testing.assert_array_equal(store.progression("P001").hands[0].radiograph.pixels, part.pixels)


@pytest.mark.parametrize("name", [b"caf\xe9 100%", b"file:%2F", "Ärzte – 日本".encode()])
def test_names_of_files_that_are_no_text(store, measured, folder, tmp_path, name):
    place = tmp_path / os.fsdecode(name)
    shutil.copytree(folder, place)
    hands = tuple(
        replace(hand, radiograph=replace(film, path=place / film.path.name, name=os.fsdecode(name)))
        for hand in measured.hands
        for film in [hand.radiograph]
    )
    store.save(replace(measured, hands=hands))
    found = store.progression("P001")
    assert [hand.radiograph.path for hand in found.hands] == [hand.radiograph.path for hand in hands]
    assert {hand.radiograph.name for hand in found.hands} == {os.fsdecode(name)}
    for one, original in zip(pixels(found), pixels(measured)):
        np.testing.assert_array_equal(one, original)
