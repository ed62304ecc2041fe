"""Calibrate the probabilities of the grades, and the intervals of totals, on patients that were not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from napari_jsn.anatomy import JOINTS
from napari_jsn.scoring.grades import HIGHEST
from napari_jsn.scoring.schemes import SIDES, scheme

Floats = NDArray[np.float64]

#: Range of the temperatures that are tried.
_TEMPERATURES = (0.3, 5.0)
#: Least probability of the true grade in the likelihood.
_LEAST = 1e-6
#: Largest correlation between the errors of two joints.
_MOST_CORRELATION = 0.9


def fit_temperature(logits: Floats, truth: NDArray[np.int64]) -> float:
    """Return the temperature at which the likelihood of the true grades is highest.

    Parameters
    ----------
    logits : (N, K) array
        Conditional logits; see :mod:`napari_jsn.scoring.two_stage.ordinal`.
    truth : (N,) array
    """
    import torch

    from napari_jsn.scoring.two_stage.ordinal import grade_probabilities

    given, rows = torch.from_numpy(logits), np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        found = grade_probabilities(given, float(np.exp(log_temperature))).numpy()
        return float(-np.log(np.maximum(found[rows, truth], _LEAST)).mean())

    best = minimize_scalar(loss, bounds=tuple(np.log(_TEMPERATURES)), method="bounded")
    return round(float(np.exp(best.x)), 4)


def fit_totals(
    truth: Mapping[str, NDArray[np.signedinteger]], probabilities: Mapping[str, Floats]
) -> dict[str, dict[str, float]]:
    """Return correlation and factor of the errors of each kind and of both together.

    Parameters
    ----------
    truth : mapping of kind to (P, 28) array
        Grades of patients, -1 where there is none.
    probabilities : mapping of kind to (P, 28, K + 1) array
        NaN where a joint is not scored.

    Returns
    -------
    dict of kind to dict
        For ``"jsn"``, ``"erosion"`` and ``"total"``, see
        :func:`napari_jsn.scoring.automatic.total.total_interval`.
    """
    errors = {kind: _standardised(truth[kind], probabilities[kind], kind) for kind in HIGHEST}
    errors["total"] = np.concatenate(list(errors.values()), axis=1)
    return {kind: _constants(each) for kind, each in errors.items()}


def _standardised(truth: NDArray[np.signedinteger], probabilities: Floats, kind: str) -> Floats:
    """Return the errors of the finger sites of a kind over their standard deviations; NaN where there is none."""
    sites = [f"{side}{joint}" for side in SIDES for joint in JOINTS]
    used = [k for k, name in enumerate(sites) if name[1:] in scheme("svdh-fingers").sites[kind]]
    grades = np.arange(probabilities.shape[-1])
    mean = (probabilities * grades).sum(-1)
    sd = np.sqrt(np.maximum((probabilities * (grades - mean[..., None]) ** 2).sum(-1), 1e-4))
    return np.where(truth >= 0, (truth - mean) / sd, np.nan)[:, used]


def _constants(errors: Floats) -> dict[str, float]:
    known = np.isfinite(errors)
    filled = np.where(known, errors, 0.0)
    count = known.sum(1)
    square = float((filled**2).sum() / max(known.sum(), 1))
    pairs = float((count * (count - 1)).sum())
    products = float((filled.sum(1) ** 2 - (filled**2).sum(1)).sum() / max(pairs, 1.0))
    correlation = float(np.clip(products / max(square, 1e-6), 0.0, _MOST_CORRELATION))
    return {"correlation": round(correlation, 4), "factor": round(float(np.sqrt(square)), 4)}


def calibration(network: Any, batches: Any) -> dict[str, Any]:
    """Return temperatures and constants of totals, for a card.

    Parameters
    ----------
    network : PatientNet
        In evaluation mode.
    batches : iterable of Batch
        Patients that were not trained on.
    """
    import torch

    from napari_jsn.scoring.two_stage.ordinal import grade_probabilities

    device = next(network.parameters()).device
    logits: dict[str, list[Floats]] = {kind: [] for kind in HIGHEST}
    truth: dict[str, list[NDArray[np.int64]]] = {kind: [] for kind in HIGHEST}
    for batch in batches:
        with torch.no_grad():
            found = network(batch.images.to(device), batch.there.to(device))
        for kind in HIGHEST:
            target = getattr(batch, kind)
            known = batch.there & (target.sum(-1) > 0)
            logits[kind].append(found[kind].logits.double().cpu().numpy())
            truth[kind].append(torch.where(known, target.argmax(-1), -1).cpu().numpy())
    joined = {kind: (np.concatenate(logits[kind]), np.concatenate(truth[kind])) for kind in HIGHEST}
    temperature = {
        kind: fit_temperature(each[grades >= 0], grades[grades >= 0]) for kind, (each, grades) in joined.items()
    }
    probabilities = {
        kind: grade_probabilities(torch.from_numpy(each), temperature[kind]).numpy()
        for kind, (each, _) in joined.items()
    }
    totals = fit_totals({kind: grades for kind, (_, grades) in joined.items()}, probabilities)
    return {"temperature": temperature, "totals": totals}
