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
    from scipy.optimize import minimize_scalar

    y = np.asarray(values, dtype=float)
    x = np.stack([np.ones(len(y)), np.asarray(raised, dtype=float)], axis=1)
    design = np.column_stack([x, y - y.mean()])
    if np.linalg.matrix_rank(x) < 2 or len(y) <= 2:
        return None
    codes = np.unique(np.asarray(patients).astype(str), return_inverse=True)[1]
    sizes = np.bincount(codes).astype(float)
    sums = np.stack([np.bincount(codes, column) for column in design.T], axis=1)
    products = design.T @ design

    if products[2, 2] <= 0:
        return None

    def solved(shares: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return for each share -2 log likelihood, effects, normal matrix and variance within patients."""
        ratio = (shares / (1 - shares))[:, None]
        weights = ratio / (1 + ratio * sizes)
        weighted = products - np.einsum("gp,pi,pj->gij", weights, sums, sums, optimize=True)
        normal, right = weighted[:, :2, :2], weighted[:, :2, 2]
        effects = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
        within = (weighted[:, 2, 2] - (effects * right).sum(axis=1)) / (len(y) - 2)
        within = np.maximum(within, 1e-12 * products[2, 2] / len(y))  # a perfect fit has a likelihood without limit
        deviance = (len(y) - 2) * np.log(within) + np.log1p(ratio * sizes).sum(axis=1) + np.linalg.slogdet(normal)[1]
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
    sd = float(np.sqrt(within * np.linalg.inv(normal)[1, 1]))
    if not (np.isfinite(sd) and sd > 0):
        return None
    between = float(within * share / (1 - share))
    return RandomIntercept(float(effects[1]), sd, between, float(within), share < 1e-6)
