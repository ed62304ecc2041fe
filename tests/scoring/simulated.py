"""Simulated long tables of readers' grades."""

import numpy as np
import pandas as pd

from napari_jsn.scoring import scheme


def sheet(patients=2, visits=(1, 2), readers=("A", "B"), scheme_name="svdh-hands", seed=0, sessions=("",)):
    """A complete long table with random grades; readers differ from a common truth now and then."""
    rng = np.random.default_rng(seed)
    used = scheme(scheme_name)
    places = [(side, site, kind) for side in "RL" for kind in used.kinds for site in used.sites[kind]]
    rows = []
    for patient in range(patients):
        damage = rng.gamma(1, 1, len(places))
        for visit in visits:
            damage = damage + rng.gamma(0.3, 0.5, len(places))
            for reader in readers:
                for session in sessions:
                    read = np.rint(damage + rng.normal(0, 0.5, len(places)))
                    for (side, site, kind), grade in zip(places, read):
                        grade = float(np.clip(grade, 0, used.highest[kind]))
                        rows.append((f"P{patient:03}", visit, side, site, kind, grade, "", "", reader, session))
    columns = ["patient", "visit", "side", "site", "kind", "grade", "mark", "not_scored", "reader", "session"]
    return pd.DataFrame(rows, columns=columns)


def items(n, confusions, kind="jsn", seed=0):
    """One grade of each reader for n items of known grade: the table and the true grades."""
    rng = np.random.default_rng(seed)
    grades = len(confusions[0])
    truth = rng.integers(0, grades, n)
    rows = []
    for place, confusion in enumerate(confusions):
        drawn = (rng.random(n)[:, None] > np.cumsum(confusion, axis=1)[truth]).sum(axis=1)
        rows.append(pd.DataFrame({"patient": np.arange(n), "grade": drawn, "reader": f"R{place + 1}"}))
    table = pd.concat(rows, ignore_index=True).assign(visit=1, side="L", site="MCP2", kind=kind, session=1)
    return table, truth


def confusions_of_readers(seed, grades=5, readers=3):
    """Confusions of simulated readers: each errs more the nearer the grades are."""
    rng = np.random.default_rng(seed)
    distance = np.abs(np.subtract.outer(np.arange(grades), np.arange(grades)))
    drawn = []
    for _ in range(readers):
        matrix = np.exp(-distance * rng.uniform(1.2, 2.2)) * rng.uniform(0.7, 1.3, (grades, grades))
        drawn.append(matrix / matrix.sum(axis=1, keepdims=True))
    return np.array(drawn)
