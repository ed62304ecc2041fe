"""Run the experiments of Wang et al. 2023 on registration, and write their figures as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_jsn.anatomy import joint_kind
from napari_jsn.common.progress import Progress, Silent
from napari_jsn.evaluation.registration.halved_losses import HalvedLosses, halved_losses, halved_table
from napari_jsn.evaluation.registration.known_errors import (
    MASKS,
    NarrowingErrors,
    known_pairs,
    narrowing_errors,
    robustness,
    simulated_pairs,
)
from napari_jsn.evaluation.registration.paper_figures import (
    PairResult,
    VisitFigures,
    VisitPair,
    all_visit_pairs,
    at_working_size,
    by_joint,
    register_pairs,
    shift_variances,
    visit_figures,
)
from napari_jsn.segmentation.training.data import LabelledJoint
from napari_jsn.simulation.damage.difficulty import FIRST, difficulty

#: Presets of known motion that are reported, and their amounts.
MOTIONS = {
    "easy": "rotation sd 2 deg, scale sd 1 %, translation up to 3 px, noise 1.5 %",
    "roll": "as easy, with a roll field of 1 px sd and 8 px length",
    "hard": "rotation sd 5 deg, scale sd 3 %, translation up to 6 px, noise 4 %",
    "extreme": "rotation sd 10 deg, scale sd 6 %, translation up to 12 px, noise 4 %",
}
#: As published (Wang et al. 2023, and Ou et al. 2023 there), each on the authors' own MCP joints.
PUBLISHED = {
    "deep network, as published": ("0.0661", "0.0345", "0.48 %", "47,000,224"),
    "PIPOC, as published": ("0.050", "0.0076", "2.8 %", "none"),
}
_SEED = 2023


@dataclass(frozen=True)
class ExperimentSizes:
    """Number of pairs of each known motion, of simulated joints, of pairs to shift, and per point of a curve."""

    known: int = 400
    simulated: int = 150
    shifted: int = 40
    curve: int = 24


@dataclass
class MethodEvaluation:
    """The results of one method.

    Attributes
    ----------
    method : str
    parameters : int
        Number of learned parameters.
    closures : dict of str to VisitFigures
        By joint type; ``""`` is all joints.
    known : dict of str to NarrowingErrors
        By preset of known motion.
    simulated : NarrowingErrors or None
        Of simulated joints.
    curves : dict of str to list of NarrowingErrors
        By what is varied, one for each level.
    losses : (N, 2) array or None
        Original and transformed loss of every registration.
    halved : list of HalvedLosses
        Losses with displaced follow-ups; of the first method only.
    seconds : float
        Per pair.
    aborted : bool
    """

    method: str
    parameters: int
    closures: dict[str, VisitFigures] = field(default_factory=dict)
    known: dict[str, NarrowingErrors] = field(default_factory=dict)
    simulated: NarrowingErrors | None = None
    curves: dict[str, list[NarrowingErrors]] = field(default_factory=dict)
    losses: np.ndarray | None = None
    halved: list[HalvedLosses] = field(default_factory=list)
    seconds: float = float("nan")
    aborted: bool = False


def evaluate_registration(
    methods: Sequence[str],
    joints: Sequence[LabelledJoint],
    spacing_mm: float,
    sizes: ExperimentSizes | None = None,
    device: str | None = None,
    progress: Progress | None = None,
    masks: str = "experts",
) -> list[MethodEvaluation]:
    """Run every experiment with every method, on the same pairs, at about 0.175 mm per pixel as in the paper.

    Parameters
    ----------
    methods : sequence of str
        Names of methods, as :func:`napari_jsn.register` takes them.
    joints : sequence of LabelledJoint
        Real joint images with masks; those of one group are visits of one joint. Without any, only simulated joints
        are measured.
    spacing_mm : float
        Pixel size of these images.
    sizes : ExperimentSizes, optional
    device : str, optional
        ``"cpu"`` or ``"cuda"``.
    progress : Progress, optional
        After an abort, the methods that are complete are returned.
    masks : str
        A key of :data:`~napari_jsn.evaluation.registration.known_errors.MASKS`: what the methods get for known motion.
        With other masks than the experts', only known motion is measured.
    """
    sizes, progress = sizes or ExperimentSizes(), progress or Silent()
    rng = np.random.default_rng(_SEED)
    forward = [pair for pair in all_visit_pairs(by_joint(joints)) if pair.first < pair.second]
    to_shift = [forward[k] for k in sorted(rng.permutation(len(forward))[: sizes.shifted])]
    small = [at_working_size(each, spacing_mm) for each in joints]
    images, working_mm = [each for each, _ in small], small[0][1] if small else float("nan")
    visit_pairs = all_visit_pairs(by_joint(images))
    known = {name: known_pairs(images, working_mm, name, sizes.known, _SEED + k) for k, name in enumerate(MOTIONS)}
    simulated = simulated_pairs(sizes.simulated, _SEED) if sizes.simulated else []
    source = images or [LabelledJoint(each.fixed, each.fixed_masks, each.name, each.name) for each in simulated]
    source_mm = working_mm if images else float(simulated[0].spacing_mm) if simulated else float("nan")
    with_curves = sizes.curve and source and masks == "experts"
    curves = robustness(source, source_mm, sizes.curve, _SEED) if with_curves else {}
    evaluations: list[MethodEvaluation] = []
    for method in methods:
        one = MethodEvaluation(method, _parameters(method))
        if visit_pairs and masks == "experts":
            results, one.seconds = register_pairs(visit_pairs, working_mm, method, device, progress)
            if progress.aborted:
                break
            one.losses = np.array([(each.original_loss, each.transformed_loss) for each in results])
            if not evaluations:
                one.halved = halved_losses(visit_pairs, results, seed=_SEED)
            variances, reliable = shift_variances(to_shift, spacing_mm, method, _SEED, device, progress)
            if progress.aborted:
                break
            stable = [
                (pair, value) for pair, value, usable in zip(to_shift, variances, reliable, strict=False) if usable
            ]
            one.closures = _by_type(visit_pairs, results, working_mm, stable)
        one.known = {name: narrowing_errors(pairs, method, device, masks) for name, pairs in known.items() if pairs}
        if simulated:
            one.simulated = narrowing_errors(simulated, method, device, masks)
            one.losses = one.simulated.losses if one.losses is None else one.losses
            one.seconds = one.simulated.seconds if np.isnan(one.seconds) else one.seconds
        one.curves = {
            kind: [narrowing_errors(pairs, method, device) for pairs in levels] for kind, levels in curves.items()
        }
        evaluations.append(one)
    return evaluations


def _by_type(
    pairs: Sequence[VisitPair],
    results: Sequence[PairResult],
    spacing_mm: float,
    shifted: Sequence[tuple[VisitPair, float]],
) -> dict[str, VisitFigures]:
    """Return the figures of all joints (under ``""``), and of each type where there are several types."""

    def select(chosen: Callable[[VisitPair], bool]) -> VisitFigures:
        picked = [k for k, pair in enumerate(pairs) if chosen(pair)]
        variances = [value for pair, value in shifted if chosen(pair)]
        return visit_figures([pairs[k] for k in picked], [results[k] for k in picked], spacing_mm, variances)

    types = sorted({pair.fixed.joint for pair in pairs} - {""})
    rows = {"": select(lambda pair: True)}
    if len(types) > 1:
        rows |= {name: select(lambda pair, name=name: pair.fixed.joint == name) for name in types}  # type: ignore[misc]
    return rows


def _parameters(method: str) -> int:
    """Return the number of learned parameters; ``refined`` starts from the shipped network."""
    if not method.startswith(("network", "refined")):
        return 0
    from napari_jsn.networks import weights

    _, card = weights.load("registration", method.partition(":")[2] or "default")
    return int(card.get("parameters", 0))


def registration_tables(evaluations: Sequence[MethodEvaluation], data: str, masks: str = "experts") -> str:
    """Return all tables in Markdown; ``data`` describes the real joints in a few words.

    ``masks`` is the key of :data:`~napari_jsn.evaluation.registration.known_errors.MASKS` that the methods got.
    """
    parts = [] if masks == "experts" else [f"Masks given to the methods: {MASKS[masks]}.\n"]
    if any(one.closures for one in evaluations):
        parts += [_closure_table(evaluations, data), _type_table(evaluations, data), _loss_table(evaluations, data)]
        parts += [halved_table(one.method, one.halved) for one in evaluations if one.halved]
    parts += [_known_table(evaluations, data), _simulated_table(evaluations), _published_table()]
    return "\n".join(part for part in parts if part)


def _closure_table(evaluations: Sequence[MethodEvaluation], data: str) -> str:
    lines = [
        f"**Between real visits** ({data}), at about 0.175 mm per pixel. Tables 8 and 9 of the paper. Sigma and sigma' "
        "are means of the pairs' standard deviations as in Table 7; pooled: their root mean square.\n",
        "| method | pairs | sigma, mm (pooled) | over 0.175 mm | reliable | sigma of all, mm | all over 0.175 mm | "
        "sigma', mm (pooled; pairs) | learned parameters | ms per pair |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in evaluations:
        each = one.closures[""]
        lines.append(
            f"| `{one.method}` | {each.pairs} | {_sigma(each)} | {_share(each.closure.inconsistent)} of "
            f"{each.closure.pairs} | {_share(each.closure.reliable)} | {_number(each.closure_all.sigma_mm, 4)} | "
            f"{_share(each.closure_all.inconsistent)} of {each.closure_all.pairs} | {_shift_sigma(each)} | "
            f"{one.parameters:,} | {_number(1e3 * one.seconds, 0)} |"
        )
    if not any(one.closures[""].closure.pairs for one in evaluations):
        lines.append("\nNo joint has three visits, so that sigma and the share over 0.175 mm cannot be measured.")
    return "\n".join(lines) + "\n"


def _type_table(evaluations: Sequence[MethodEvaluation], data: str) -> str:
    lines = [
        f"**By joint** (real: {data}; simulated joints, whose true narrowing is known, are labelled so). Tables 7 "
        "and 9 of the paper; sigma and sigma' are over the reliable pairs. Mismatch: for real joints two estimates "
        "that differ by over 0.175 mm, for simulated ones an error over 1 px. Losses: mean over the masks / mean over "
        "the image.\n",
        "| method | joint | pairs | sigma, mm (pooled) | mismatch | sigma', mm (pooled; pairs) | original loss | "
        "transformed loss |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in evaluations:
        for name, each in one.closures.items():
            lines.append(
                f"| `{one.method}` | {name or 'all'}, real | {each.pairs} | {_sigma(each)} | "
                f"{_share(each.closure.inconsistent, 2)} of {each.closure.pairs} | {_shift_sigma(each)} | "
                f"{_number(each.original_loss, 5)} / {_number(each.original_image_loss, 5)} | "
                f"{_number(each.transformed_loss, 5)} / {_number(each.transformed_image_loss, 5)} |"
            )
        for name, errors in _by_kind_and_finger(one.simulated):
            masks, image = errors.losses.mean(axis=0), errors.image_losses.mean(axis=0)
            lines.append(
                f"| `{one.method}` | {name}, simulated | {len(errors.px)} | - | {_share(errors.mismatch, 2)} | - | "
                f"{_number(masks[0], 5)} / {_number(image[0], 5)} | {_number(masks[1], 5)} / {_number(image[1], 5)} |"
            )
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def _sigma(each: VisitFigures) -> str:
    return f"{_number(each.closure.sigma_mm, 4)} ({_number(each.closure.pooled_sigma_mm, 4)})"


def _shift_sigma(each: VisitFigures) -> str:
    return f"{_number(each.shift_sd_mm, 4)} ({_number(each.pooled_shift_sd_mm, 4)}; {each.shift_pairs})"


def _by_kind_and_finger(errors: NarrowingErrors | None) -> list[tuple[str, NarrowingErrors]]:
    """Return the simulated errors of all joints, of each kind of joint, and of each joint."""
    if errors is None:
        return []
    chosen = [("all", errors)]
    for by in ([joint_kind(name) for name in errors.joints], list(errors.joints)):
        chosen += [(name, errors.select(np.array([each == name for each in by]))) for name in sorted(set(by))]
    return list(dict(chosen).items())


def _loss_table(evaluations: Sequence[MethodEvaluation], data: str) -> str:
    lines = [
        f"**Loss** ({data}; mean squared difference over the masks, half for each bone / over the whole image, as the "
        "paper computes it). Fig. 9 of the paper, where 94.6 % of the pairs fall below half.\n",
        "| method | registrations | original loss | transformed loss | fell below half |",
        "|---|---:|---:|---:|---:|",
    ]
    for one in evaluations:
        each = one.closures[""]
        count = 0 if one.losses is None else len(one.losses)
        lines.append(
            f"| `{one.method}` | {count} | {_number(each.original_loss, 5)} / {_number(each.original_image_loss, 5)} | "
            f"{_number(each.transformed_loss, 5)} / {_number(each.transformed_image_loss, 5)} | "
            f"{_share(each.halved)} / {_share(each.halved_image)} |"
        )
    return "\n".join(lines) + "\n"


def _known_table(evaluations: Sequence[MethodEvaluation], data: str) -> str:
    if not any(one.known for one in evaluations):
        return ""
    lines = [
        f"**Known motion** applied to images ({data}) at about 0.175 mm per pixel: {'; '.join(_amounts(MOTIONS))}.\n",
        "| method | motion | n | error over 1 px | RMSE of the others, mm | reliable | of these over 1 px | "
        "in 95 % interval | ms per pair |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [_row(one, name, each) for one in evaluations for name, each in one.known.items()]
    return "\n".join(lines) + "\n"


def _simulated_table(evaluations: Sequence[MethodEvaluation]) -> str:
    lines = [
        f"**Simulated joints** that move as between two visits, against their true narrowing. {difficulty(FIRST)}\n",
        "| method | joint | n | error over 1 px | RMSE of the others, mm | reliable | of these over 1 px | "
        "in 95 % interval | ms per pair |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in evaluations:
        if one.simulated is None:
            continue
        lines += [_row(one, name, each) for name, each in _by_kind_and_finger(one.simulated)]
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def _row(one: MethodEvaluation, name: str, each: NarrowingErrors) -> str:
    reliable = each.select(each.reliable)
    wrong = _share(reliable.mismatch) if len(reliable.px) else "-"
    return (
        f"| `{one.method}` | {name} | {len(each.px)} | {_share(each.mismatch, 2)} | {_number(each.rmse_mm, 4)} | "
        f"{_share(float(np.mean(each.reliable)))} | {wrong} | {_share(float(np.mean(each.covered)))} | "
        f"{_number(1e3 * each.seconds, 0)} |"
    )


def _published_table() -> str:
    lines = [
        "**As published**, on the authors' own MCP joints, not on those above (Wang et al. 2023); of all their joints "
        "together 1.49 % mismatch. The real joints above are MCP joints too; PIP and IP joints are simulated.\n",
        "| method | sigma, mm | sigma', mm | mismatch | parameters |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [f"| {name} | {' | '.join(values)} |" for name, values in PUBLISHED.items()]
    return "\n".join(lines) + "\n"


def _amounts(motions: Mapping[str, str]) -> list[str]:
    return [f"*{name}*: {amounts}" for name, amounts in motions.items()]


def _number(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def _share(value: float, digits: int = 1) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.{digits}f} %"
