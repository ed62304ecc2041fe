import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_jsn.common.errors import InputError
from napari_jsn.scoring import consensus, find_consensus
from tests.scoring.simulated import confusions_of_readers, items, sheet

KEYS = ["patient", "visit", "side", "site", "kind"]
P = [f"p_{grade}" for grade in range(6)]


def rows(*grades, readers="ABCDEFGH", kind="jsn"):
    table = pd.DataFrame({"grade": grades, "reader": list(readers[: len(grades)])})
    return table.assign(patient="P1", visit=1, side="L", site="MCP2", kind=kind)


def test_dawid_skene_equals_crowd_kit():
    stored = json.loads((Path(__file__).parent / "dawid_skene_crowd_kit.json").read_text())
    table, _ = items(2000, confusions_of_readers(11), seed=11)
    assert int((table["grade"].to_numpy() * np.arange(len(table))).sum()) == stored["checksum"]
    found = find_consensus(table)
    assert bool(found.fits["converged"].all())
    confusions = found.confusions["probability"].to_numpy().reshape(3, 5, 5)
    np.testing.assert_allclose(confusions, stored["confusions"], atol=1e-6)
    np.testing.assert_allclose(found.labels[P[:5]].mean(), stored["priors"], atol=1e-6)
    np.testing.assert_allclose(found.labels[P[:5]][:20], stored["first_20"], atol=1e-6)


def test_confusions_and_grades_are_found_over_20_seeds():
    errors, accuracy, of_majority = [], [], []
    for seed in range(20):
        confusions = confusions_of_readers(seed)
        table, truth = items(2000, confusions, seed=seed)
        found = find_consensus(table)
        errors.append(np.abs(found.confusions["probability"].to_numpy() - confusions.ravel()).mean())
        accuracy.append((found.labels["grade"].to_numpy() == truth).mean())
        of_majority.append((consensus(table, "majority")["grade"].to_numpy() == truth).mean())
    assert max(errors) <= 0.03 and np.mean(accuracy) >= np.mean(of_majority)


def test_keys_and_probabilities():
    table = sheet(4, readers=("A", "B", "C"), scheme_name="svdh-fingers")
    found = consensus(table)
    assert list(found.columns) == [*KEYS, "grade", *P, "readers", "tie"]
    assert len(found) == len(table) // 3 == len(found[KEYS].drop_duplicates())
    np.testing.assert_allclose(found[P].sum(axis=1), 1)
    assert (found.loc[found["kind"] == "jsn", "p_5"] == 0).all() and (found["readers"] == 3).all()
    assert len(table.merge(found, on=KEYS)) == len(table)


def test_narrowing_and_erosion_are_separate():
    table = sheet(5, readers=("A", "B", "C"), scheme_name="svdh-fingers")
    both = consensus(table)
    for kind in ("jsn", "erosion"):
        alone = consensus(table[table["kind"] == kind])
        pd.testing.assert_frame_equal(both[both["kind"] == kind].reset_index(drop=True), alone)


@pytest.mark.parametrize(
    "grades, method, grade, tie",
    [
        ((2, 2, 3), "majority", 2, False),
        ((3, 1), "majority", 1, True),
        ((4, 0, 2, 0, 4), "majority", 0, True),
        ((1, 2, 4), "median", 2, False),
        ((1, 2), "median", 1.5, False),
        ((1, 2, 4), "mean", 7 / 3, False),
        ((3,), "dawid-skene", 3, False),
        ((3, 1), "dawid-skene", 1, True),
    ],
)
def test_one_item(grades, method, grade, tie):
    found = find_consensus(rows(*grades), method)
    assert found.labels["grade"].tolist() == [pytest.approx(grade)] and found.labels["tie"].tolist() == [tie]
    assert any("1 tie" in note for note in found.notes) == tie


def test_a_reader_who_guesses_does_not_count():
    sharp = 0.85 * np.eye(5) + 0.15 / 5
    table, truth = items(1000, [sharp, sharp, np.full((5, 5), 0.2), np.full((5, 5), 0.2)])
    accuracy = {method: (consensus(table, method)["grade"] == truth).mean() for method in ("dawid-skene", "majority")}
    assert accuracy["dawid-skene"] > accuracy["majority"]


def test_incomplete_readings_and_repeated_sessions():
    table, _ = items(600, confusions_of_readers(1), seed=1)
    some = table.sample(frac=0.6, random_state=0)
    again = some[some["reader"] == "R1"].assign(session=2)
    found = consensus(pd.concat([some, again]))
    assert len(found) == some["patient"].nunique() and found["readers"].between(1, 3).all()
    assert np.isfinite(found[P]).all(axis=None)


def test_few_grades_two_readers_and_items_without_grade_are_noted():
    table = pd.concat([rows(1, 2), rows(np.nan, np.nan).assign(site="MCP3")])
    notes = " ".join(find_consensus(table).notes)
    assert "reader A has only 1 grade" in notes and "only 2 readers" in notes and "1 item without any grade" in notes


def test_smoothing_draws_confusions_to_the_diagonal():
    table, _ = items(60, confusions_of_readers(2), seed=2)

    def on_diagonal(smoothing):
        found = find_consensus(table, smoothing=smoothing).confusions
        return found.loc[found["consensus"] == found["given"], "probability"].mean()

    strong = find_consensus(table, smoothing=1e6).confusions["probability"].to_numpy().reshape(3, 5, 5)
    np.testing.assert_allclose(np.diagonal(strong, axis1=1, axis2=2), 0.8, atol=1e-3)
    assert abs(on_diagonal(100) - 0.8) < abs(on_diagonal(1) - 0.8)


def test_convergence_is_reported():
    from napari_jsn.scoring.dawid_skene import dawid_skene

    votes = np.random.default_rng(0).integers(0, 2, (50, 3, 5)).astype(float) + np.eye(5)[None, :3]
    assert not dawid_skene(votes, most_iterations=1).converged


@pytest.mark.parametrize(
    "options, message",
    [
        ({"method": "vote"}, "no consensus method"),
        ({"smoothing": -1}, "not negative"),
        ({"smoothing": np.nan}, "not negative"),
        ({"smoothing": "much"}, "not negative"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(InputError, match=message):
        consensus(rows(1, 2, 3), **options)


def test_a_table_without_grades():
    with pytest.raises(InputError, match="has a grade"):
        consensus(rows(np.nan, np.nan))
