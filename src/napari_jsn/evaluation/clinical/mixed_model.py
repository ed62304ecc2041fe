"""Fit a linear mixed model with a random intercept per patient, by restricted maximum likelihood (REML).

With a random intercept only, the likelihood is a function of one number, so its maximum is found surely. The general
optimiser of statsmodels stops at wrong places where the variance between patients is 0, which is frequent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

#: Shares of the variance between patients at which the likelihood is computed before it is refined.
_GRID = np.concatenate([[0.0], np.geomspace(1e-6, 0.5, 40), 1 - np.geomspace(0.5, 1e-9, 40)[1:]])


@dataclass(frozen=True)
class RandomIntercept:
    """The fit of ``value = intercept + effect x group + patient + error``.

    Attributes
    ----------
    effect, sd : float
        Difference between the two groups and its standard deviation, in the unit of the values.
    between, within : float
        Variance between patients, and that of the joints of one patient.
    at_boundary : bool
        Whether the variance between patients is 0; the fit is then that of independent joints.
    """

    effect: float
    sd: float
    between: float
    within: float
    at_boundary: bool


def fit_random_intercept(values: ArrayLike, raised: ArrayLike, patients: ArrayLike) -> RandomIntercept | None:
    """Fit the difference of two groups of joints, with the joints of each patient as a cluster.

    The likelihood depends on one number only, the share of the variance that lies between patients. It is searched
    on a grid and then refined, so a share of 0 is found exactly.

    Parameters
    ----------
    values : (n,) array
        Narrowing of each joint.
    raised : (n,) bool array
        Group of each joint.
    patients : (n,) array
        Patient of each joint.

    Returns
    -------
    RandomIntercept or None
        None if there is no variance, or one group is empty.

    References
    ----------
    Laird NM, Ware JH. Random-effects models for longitudinal data. Biometrics 1982;38:963-974.

    Examples
    --------
    >>> from napari_jsn.evaluation.clinical.mixed_model import fit_random_intercept
    >>> fit = fit_random_intercept([0.0, 0.3, 0.1, 0.5], [0, 1, 0, 1], ["A", "A", "B", "B"])
    >>> round(fit.effect, 3)
    0.35
    """
    y = np.asarray(values, dtype=float)
    fit = fit_mixed_model(y, np.stack([np.ones(len(y)), np.asarray(raised, dtype=float)], axis=1), patients)
    if fit is None:
        return None
    sd = float(np.sqrt(fit.covariance[1, 1]))
    if not (np.isfinite(sd) and sd > 0):
        return None
    return RandomIntercept(float(fit.effects[1]), sd, fit.between, fit.within, fit.at_boundary)


@dataclass(frozen=True)
class MixedModel:
    """The fit of ``value = design x effects + patient + error``.

    Attributes
    ----------
    effects : (p,) array
        Of the columns of the design.
    covariance : (p, p) array
        Of the effects.
    between, within : float
        Variance between patients, and that within one patient.
    at_boundary : bool
        Whether the variance between patients is 0.
    """

    effects: Floats
    covariance: Floats
    between: float
    within: float
    at_boundary: bool


def fit_mixed_model(values: ArrayLike, design: ArrayLike, patients: ArrayLike) -> MixedModel | None:
    """Fit a linear model with a random intercept per patient, by restricted maximum likelihood.

    Parameters
    ----------
    values : (n,) array
    design : (n, p) array
        Columns of the fixed effects. One column must be constant, or several must add up to a constant.
    patients : (n,) array
        Patient of each value.

    Returns
    -------
    MixedModel or None
        None if there is no variance, or the effects cannot be distinguished.

    Examples
    --------
    >>> from napari_jsn.evaluation.clinical.mixed_model import fit_mixed_model
    >>> visit = [[1, 0], [0, 1], [1, 0], [0, 1]]
    >>> fit_mixed_model([0.0, 0.3, 0.1, 0.5], visit, ["A", "A", "B", "B"]).effects.round(2).tolist()
    [0.05, 0.4]
    """
    from scipy.optimize import minimize_scalar

    y = np.asarray(values, dtype=float)
    x = np.asarray(design, dtype=float)
    number = x.shape[1]
    if len(y) <= number or np.linalg.matrix_rank(x) < number:
        return None
    design = np.column_stack([x, y - y.mean()])
    codes = np.unique(np.asarray(patients).astype(str), return_inverse=True)[1]
    sizes = np.bincount(codes).astype(float)
    sums = np.stack([np.bincount(codes, column) for column in design.T], axis=1)
    products = design.T @ design

    if products[number, number] <= 0:
        return None

    def solved(shares: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return for each share -2 log likelihood, effects, normal matrix and variance within patients."""
        ratio = (shares / (1 - shares))[:, None]
        weights = ratio / (1 + ratio * sizes)
        weighted = products - np.einsum("gp,pi,pj->gij", weights, sums, sums, optimize=True)
        normal, right = weighted[:, :number, :number], weighted[:, :number, number]
        effects = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
        within = (weighted[:, number, number] - (effects * right).sum(axis=1)) / (len(y) - number)
        # a perfect fit has a likelihood without limit
        within = np.maximum(within, 1e-12 * products[number, number] / len(y))
        deviance = (len(y) - number) * np.log(within) + np.log1p(ratio * sizes).sum(axis=1)
        deviance = deviance + np.linalg.slogdet(normal)[1]
        return deviance, effects, normal, within

    deviances = solved(_GRID)[0]
    best = int(deviances.argmin())
    share = float(_GRID[best])
    if best > 0:
        ends = _GRID[best - 1], _GRID[min(best + 1, len(_GRID) - 1)]
        refined = minimize_scalar(
            lambda each: solved(np.array([each]))[0][0], bounds=ends, method="bounded", options={"xatol": 1e-10}
        )
        share = float(refined.x) if refined.fun < deviances[best] else share
    _, effects, normal, within = (part[0] for part in solved(np.array([share])))
    between = float(within * share / (1 - share))
    if (x[:, 0] == 1).all():
        shift = np.array([y.mean(), *np.zeros(number - 1)])
    else:
        shift = np.linalg.lstsq(x, np.full(len(y), y.mean()), rcond=None)[0]
    return MixedModel(effects + shift, within * np.linalg.inv(normal), between, float(within), share < 1e-6)
