"""Calibrate the probabilities of the grades, and the intervals of totals, on patients that were not trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from napari_jsn.anatomy import JOINTS
from napari_jsn.scoring.automatic.total import TotalErrors
from napari_jsn.scoring.grades import HIGHEST, nearest_grade
from napari_jsn.scoring.schemes import SIDES, scheme

Floats = NDArray[np.float64]

#: Range of the temperatures that are tried.
_TEMPERATURES = (0.3, 5.0)
#: Least probability of the true grade in the likelihood.
_LEAST = 1e-6
#: Start and limits of the fit of the errors of totals: variance of the sites, what they share, and what is not seen.
_START, _LOGS = (1.0, 0.02, 0.03), (-14.0, 3.0)
#: Least number of patients to fit to; with fewer, the defaults are stated.
_FEWEST = 12
#: Share of the patients outside an interval, and least distance of its ends from the total in standard deviations.
_OUTSIDE, _NARROW = 0.05, 1.0


def fit_temperature(
    given: Floats, truth: NDArray[np.signedinteger], scaled: Callable[[Floats, float], Floats] | None = None
) -> float:
    """Return the temperature at which the likelihood of the true grades is highest; 1 without any.

    Parameters
    ----------
    given : (N, V, K) array
        Conditional logits of V views; see :mod:`napari_jsn.scoring.two_stage.ordinal`. Or what ``scaled`` takes.
    truth : (N,) array
    scaled : callable, optional
        The probabilities (N, K + 1) of ``given`` at a temperature.
    """
    if not len(truth):
        return 1.0
    probabilities, rows = scaled or _of_logits, np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        found = probabilities(given, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(found[rows, truth], _LEAST)).mean())

    best = minimize_scalar(loss, bounds=tuple(np.log(_TEMPERATURES)), method="bounded")
    return round(float(np.exp(best.x)), 4)


def _of_logits(logits: Floats, temperature: float) -> Floats:
    """Return the probabilities (..., K + 1) of conditional logits (..., V, K) of views."""
    import torch

    from napari_jsn.scoring.two_stage.views import mean_probabilities

    views = torch.from_numpy(logits).movedim(-2, 0)
    return np.asarray(mean_probabilities(views, temperature).numpy(), dtype=np.float64)


def fit_totals(
    truth: Mapping[str, NDArray[np.signedinteger]], probabilities: Mapping[str, Floats]
) -> dict[str, dict[str, float]]:
    """Return the errors of the totals of each kind and of both together.

    The variance is fitted by maximum likelihood. The ends of the interval are the quantiles of the errors over their
    standard deviations: totals err upwards more than downwards where damage was not seen.

    Parameters
    ----------
    truth : mapping of kind to (P, 28) array
        Grades of patients, -1 where there is none.
    probabilities : mapping of kind to (P, 28, K + 1) array
        NaN where a joint is not scored.

    Returns
    -------
    dict of kind to dict
        For ``"jsn"``, ``"erosion"`` and ``"total"``, the arguments of
        :class:`~napari_jsn.scoring.automatic.total.TotalErrors`.
    """
    each = {kind: _errors(truth[kind], probabilities[kind], kind) for kind in HIGHEST}
    each["total"] = _Errors(*(sum(parts) for parts in zip(*each.values(), strict=True)))
    return {kind: _fitted(errors) for kind, errors in each.items()}


def moments(probabilities: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation (...) of the grades with these probabilities (..., K + 1)."""
    grades = np.arange(probabilities.shape[-1])
    mean = probabilities @ grades
    return mean, np.sqrt(np.maximum(probabilities @ grades**2 - mean**2, 0))


class _Errors(NamedTuple):
    """Of patients (P,): error of the total, sums of the variances and of the standard deviations, number of sites."""

    error: Floats
    variance: Floats
    sd: Floats
    sites: Floats


def _errors(truth: NDArray[np.signedinteger], probabilities: Floats, kind: str) -> _Errors:
    used = np.tile([joint in scheme("svdh-fingers").sites[kind] for joint in JOINTS], len(SIDES))
    mean, sd = moments(probabilities)
    known = (truth >= 0) & np.isfinite(mean) & used
    parts = ((truth - mean), sd**2, sd, np.ones_like(mean))
    return _Errors(*(np.where(known, part, 0.0).sum(1) for part in parts))


def _fitted(errors: _Errors) -> dict[str, float]:
    summed = errors.sites > 0  # a patient without a grade of the kind has no total
    errors = _Errors(*(each[summed] for each in errors))
    if len(errors.error) < _FEWEST:
        return asdict(TotalErrors())

    def variance(logs: Floats) -> Floats:
        own, shared, unseen = np.exp(logs)
        total: Floats = own * errors.variance + shared * errors.sd**2 + unseen * errors.sites
        return np.maximum(total, _LEAST)

    def loss(logs: Floats) -> float:
        found = variance(logs)
        return float((np.log(found) + errors.error**2 / found).mean())

    own, shared, unseen = np.exp(
        minimize(loss, np.log(_START), method="Nelder-Mead", bounds=[_LOGS] * 3, options={"maxiter": 2000}).x
    )
    used = TotalErrors(round(float(shared / (own + shared)), 4), round(float(np.sqrt(own + shared)), 4),
                       round(float(unseen), 4))  # fmt: skip
    scaled = errors.error / np.sqrt(variance(np.log([own, shared, unseen])))
    beyond = max(_OUTSIDE / 2 - 1 / len(scaled), 0.0)  # with few patients the ends are the outermost ones
    below, above = -np.quantile(scaled, beyond), np.quantile(scaled, 1 - beyond)
    ends = {"below": round(max(float(below), _NARROW), 3), "above": round(max(float(above), _NARROW), 3)}
    return {**asdict(used), **ends}


#: What a network gives for the joints of patients, (P, 28, V, K) or (P, 28, K + 1), and their grades (P, 28), by kind.
Given = Mapping[str, tuple[Floats, NDArray[np.int64]]]


def calibration(network: Any, batches: Any, of_totals: Any = None) -> dict[str, Any]:
    """Return temperatures, confusion matrices and errors of totals of the two-stage networks, for a card.

    Parameters
    ----------
    network : PatientNet
        In evaluation mode.
    batches : iterable of Batch
        Patients that were not trained on, with their kept images.
    of_totals : iterable of Batch, optional
        Those to whom the errors of totals are fitted, by default the same.
    """
    return fit_all(_outputs(network, batches), None if of_totals is None else _outputs(network, of_totals), _of_logits)


def fit_all(found: Given, of_totals: Given | None, scaled: Callable[[Floats, float], Floats]) -> dict[str, Any]:
    """Return temperatures, confusion matrices and errors of totals, for a card.

    Parameters
    ----------
    found : mapping of kind to (array, array)
        Values that are not finite are of joints without a grade.
    of_totals : mapping, optional
        Of the patients to whom the errors of totals are fitted, by default the same.
    scaled : callable
        See :func:`fit_temperature`.

    Returns
    -------
    dict
        ``temperature`` and ``totals``, as the graders read them; ``confusions``: for each kind the number of joints by
        true grade (rows) and grade found (columns).
    """
    temperature, confusions = {}, {}
    for kind, (given, truth) in found.items():
        known = (truth >= 0) & np.isfinite(given).reshape(*truth.shape, -1).all(-1)
        temperature[kind] = fit_temperature(given[known], truth[known], scaled)
        size = HIGHEST[kind] + 1
        pairs = truth[known] * size + nearest_grade(scaled(given[known], temperature[kind]))
        confusions[kind] = np.bincount(pairs, minlength=size**2).reshape(size, size).tolist()
    used = found if of_totals is None else of_totals
    probabilities = {kind: scaled(each, temperature[kind]) for kind, (each, _) in used.items()}
    totals = fit_totals({kind: grades for kind, (_, grades) in used.items()}, probabilities)
    return {"temperature": temperature, "totals": totals, "confusions": confusions}


def _outputs(network: Any, batches: Any) -> dict[str, tuple[Floats, NDArray[np.int64]]]:
    """Return the logits (P, 28, V, K) of all views and the grades (P, 28) of each kind; -1 where there is none."""
    import torch

    from napari_jsn.scoring.two_stage.views import graded_views

    device = next(network.parameters()).device
    logits: dict[str, list[Floats]] = {kind: [] for kind in HIGHEST}
    truth: dict[str, list[NDArray[np.int64]]] = {kind: [] for kind in HIGHEST}
    for batch in batches:
        with torch.no_grad():
            found = graded_views(network, batch.kept.to(device), batch.there.to(device))
        for kind in HIGHEST:
            target = getattr(batch, kind)
            known = batch.there & (target.sum(-1) > 0)
            logits[kind].append(found[kind].logits.movedim(0, 2).double().cpu().numpy())
            truth[kind].append(torch.where(known, target.argmax(-1), -1).cpu().numpy())
    return {kind: (np.concatenate(logits[kind]), np.concatenate(truth[kind])) for kind in HIGHEST}
