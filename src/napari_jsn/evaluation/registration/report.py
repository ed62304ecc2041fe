"""The experiments of Wang et al. 2023 on registration, run and told as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from napari_jsn.common.progress import Progress, Silent
from napari_jsn.evaluation.registration.known_errors import Errors, errors, known_pairs, robustness, simulated_pairs
from napari_jsn.evaluation.registration.paper_figures import (
    Asked,
    Figures,
    Told,
    all_pairs,
    ask,
    at_working_size,
    by_joint,
    figures,
    shift_variances,
)
from napari_jsn.segmentation.training.data import LabelledJoint

#: Known motion that is told of, and how much it moves.
MOTIONS = {
    "easy": "turn sd 2 deg, scale sd 1 %, shift up to 3 px, noise 1.5 %",
    "hard": "turn sd 5 deg, scale sd 3 %, shift up to 6 px, noise 4 %",
    "extreme": "turn sd 10 deg, scale sd 6 %, shift up to 12 px, noise 4 %",
}
#: As published (Wang et al. 2023, and Ou et al. 2023 there), each on the authors' own MCP joints.
PUBLISHED = {
    "deep network, as published": ("0.066", "0.0345", "0.48 %", "47,000,224"),
    "PIPOC, as published": ("0.050", "0.0076", "2.8 %", "none"),
}
_SEED = 2023


@dataclass(frozen=True)
class Sizes:
    """How many pairs of each known motion, of simulated joints, to shift, and for each point of a curve."""

    known: int = 400
    simulated: int = 150
    shifted: int = 40
    curve: int = 24


@dataclass
class Evaluated:
    """What one method gave; dictionaries by joint type, by motion, and by what is varied."""

    method: str
    parameters: int
    closures: dict[str, Figures] = field(default_factory=dict)
    known: dict[str, Errors] = field(default_factory=dict)
    simulated: Errors | None = None
    curves: dict[str, list[Errors]] = field(default_factory=dict)
    losses: np.ndarray | None = None
    seconds: float = float("nan")
    aborted: bool = False


def evaluate(
    methods: Sequence[str],
    joints: Sequence[LabelledJoint],
    spacing_mm: float,
    sizes: Sizes | None = None,
    device: str | None = None,
    progress: Progress | None = None,
) -> list[Evaluated]:
    """Run every experiment with every method, on the same pairs, all at about 0.175 mm a pixel as the paper's.

    Parameters
    ----------
    methods : sequence of str
        As :func:`napari_jsn.register` takes them.
    joints : sequence of LabelledJoint
        Real joint images with masks, those of a group are visits of one joint; none: simulated ones only.
    spacing_mm : float
        Pixel size of these.
    """
    sizes, progress = sizes or Sizes(), progress or Silent()
    rng = np.random.default_rng(_SEED)
    forward = [pair for pair in all_pairs(by_joint(joints)) if pair.first < pair.second]
    some = [forward[k] for k in sorted(rng.permutation(len(forward))[: sizes.shifted])]
    small = [at_working_size(each, spacing_mm) for each in joints]
    images, working_mm = [each for each, _ in small], small[0][1] if small else float("nan")
    asked = all_pairs(by_joint(images))
    known = {
        name: known_pairs(images, working_mm, name, sizes.known, _SEED + k) for k, name in enumerate(MOTIONS)
    }  # fmt: skip
    simulated = simulated_pairs(sizes.simulated, _SEED) if sizes.simulated else []
    source = images or [LabelledJoint(each.fixed, each.fixed_masks, each.name, each.name) for each in simulated]
    mm = working_mm if images else float(simulated[0].spacing_mm) if simulated else float("nan")
    curves = robustness(source, mm, sizes.curve, _SEED) if sizes.curve and source else {}
    found = []
    for method in methods:
        one = Evaluated(method, _parameters(method))
        if asked:
            told, one.seconds = ask(asked, working_mm, method, device, progress)
            if progress.aborted:
                break
            one.losses = np.array([(each.original_loss, each.transformed_loss) for each in told])
            variances, trusted = shift_variances(some, spacing_mm, method, _SEED, device, progress)
            if progress.aborted:
                break
            one.closures = _by_type(asked, told, working_mm, some, variances, trusted)
        one.known = {name: errors(pairs, method, device) for name, pairs in known.items() if pairs}
        if simulated:
            one.simulated = errors(simulated, method, device)
            one.losses = one.simulated.losses if one.losses is None else one.losses
            one.seconds = one.simulated.seconds if np.isnan(one.seconds) else one.seconds
        one.curves = {kind: [errors(pairs, method, device) for pairs in levels] for kind, levels in curves.items()}
        found.append(one)
    return found


def _by_type(
    asked: Sequence[Asked],
    told: Sequence[Told],
    spacing_mm: float,
    some: Sequence[Asked],
    variances: Sequence[float],
    trusted: Sequence[bool],
) -> dict[str, Figures]:
    """Figures of all joints (under ``""``), and of each type where there are several."""

    def of(chosen: Callable[[Asked], bool]) -> Figures:
        picked = [k for k, pair in enumerate(asked) if chosen(pair)]
        moved = [
            value for value, pair, sure in zip(variances, some, trusted, strict=False) if sure and chosen(pair)
        ]  # fmt: skip
        return figures([asked[k] for k in picked], [told[k] for k in picked], spacing_mm, moved)

    types = sorted({pair.fixed.joint for pair in asked} - {""})
    rows = {"": of(lambda pair: True)}
    if len(types) > 1:
        rows |= {name: of(lambda pair, name=name: pair.fixed.joint == name) for name in types}  # type: ignore[misc]
    return rows


def _parameters(method: str) -> int:
    """How many numbers a method learned; ``refined`` starts from the shipped network."""
    if not method.startswith(("network", "refined")):
        return 0
    from napari_jsn.networks import weights

    _, card = weights.load("registration", method.partition(":")[2] or "default")
    return int(card.get("parameters", 0))


def tables(found: Sequence[Evaluated], data: str) -> str:
    """All tables in Markdown; ``data`` says in a few words what the real joints are."""
    parts = []
    if any(one.closures for one in found):
        parts += [_closure_table(found, data), _type_table(found, data), _loss_table(found, data)]
    parts += [_known_table(found, data), _simulated_table(found), _published_table()]
    return "\n".join(part for part in parts if part)


def _closure_table(found: Sequence[Evaluated], data: str) -> str:
    lines = [
        f"**Between real visits** ({data}), at about 0.175 mm a pixel. Tables 8 and 9 of the paper.\n",
        "| method | pairs | sigma, mm | over 0.175 mm | reliable | sigma of all, mm | of all over 0.175 mm | "
        "sigma', mm (pairs) | learned parameters | ms a pair |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in found:
        each = one.closures[""]
        lines.append(
            f"| `{one.method}` | {each.pairs} | {each.closure.sigma_mm:.4f} | {_share(each.closure.inconsistent)} of "
            f"{each.closure.pairs} | {_share(each.closure.reliable)} | {each.of_all.sigma_mm:.4f} | "
            f"{_share(each.of_all.inconsistent)} of {each.of_all.pairs} | {each.shifted_sd_mm:.4f} ({each.shifted}) | "
            f"{one.parameters:,} | {1e3 * one.seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _type_table(found: Sequence[Evaluated], data: str) -> str:
    if all(len(one.closures) < 2 for one in found):
        return ""
    lines = [
        f"**By joint** ({data}). Table 7 of the paper; sigma and sigma' over the pairs called reliable.\n",
        "| method | joint | joints | pairs | sigma, mm | over 0.175 mm | sigma', mm (pairs) | transformed loss |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for one in found:
        for name, each in one.closures.items():
            if name:
                lines.append(
                    f"| `{one.method}` | {name} | {each.joints} | {each.pairs} | {each.closure.sigma_mm:.4f} | "
                    f"{_share(each.closure.inconsistent)} of {each.closure.pairs} | {each.shifted_sd_mm:.4f} "
                    f"({each.shifted}) | {each.transformed_loss:.5f} |"
                )
    return "\n".join(lines) + "\n"


def _loss_table(found: Sequence[Evaluated], data: str) -> str:
    lines = [
        f"**Loss** ({data}; mean squared difference, half for each bone). Fig. 9 of the paper.\n",
        "| method | registrations | original loss | transformed loss | fell below half |",
        "|---|---:|---:|---:|---:|",
    ]
    for one in found:
        each = one.closures[""]
        count = 0 if one.losses is None else len(one.losses)
        lines.append(
            f"| `{one.method}` | {count} | {each.original_loss:.5f} | {each.transformed_loss:.5f} | "
            f"{_share(each.halved)} |"
        )
    return "\n".join(lines) + "\n"


def _known_table(found: Sequence[Evaluated], data: str) -> str:
    if not any(one.known for one in found):
        return ""
    lines = [
        f"**Known motion** put into images ({data}) at about 0.175 mm a pixel: {'; '.join(_told(MOTIONS))}.\n",
        "| method | motion | n | error over 1 px | RMSE of the others, mm | reliable | of these over 1 px | "
        "in 95 % interval | ms a pair |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [_row(one, name, each) for one in found for name, each in one.known.items()]
    return "\n".join(lines) + "\n"


def _simulated_table(found: Sequence[Evaluated]) -> str:
    lines = [
        "**Simulated joints** that move as between two visits, against the narrowing that they were given.\n",
        "| method | joint | n | error over 1 px | RMSE of the others, mm | reliable | of these over 1 px | "
        "in 95 % interval | ms a pair |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for one in found:
        if one.simulated is None:
            continue
        lines.append(_row(one, "all", one.simulated))
        types = [name.rstrip("12345") if name not in ("MCP1", "IP1") else name for name in one.simulated.joints]
        for by in (types, list(one.simulated.joints)):
            for name in sorted(set(by)):
                lines.append(_row(one, name, one.simulated.of(np.array([each == name for each in by]))))
    return "\n".join(dict.fromkeys(lines)) + "\n" if len(lines) > 3 else ""


def _row(one: Evaluated, name: str, each: Errors) -> str:
    trusted = each.of(each.reliable)
    wrong = _share(trusted.mismatch) if len(trusted.px) else "-"
    return (
        f"| `{one.method}` | {name} | {len(each.px)} | {_share(each.mismatch, 2)} | {each.rmse_mm:.4f} | "
        f"{_share(float(np.mean(each.reliable)))} | {wrong} | {_share(float(np.mean(each.held)))} | "
        f"{1e3 * each.seconds:.0f} |"
    )


def _published_table() -> str:
    lines = [
        "**As published**, on the authors' own MCP joints, not on those above (Wang et al. 2023).\n",
        "| method | sigma, mm | sigma', mm | mismatching | parameters |",
        "|---|---:|---:|---:|---:|",
    ]
    lines += [f"| {name} | {' | '.join(values)} |" for name, values in PUBLISHED.items()]
    return "\n".join(lines) + "\n"


def _told(motions: Mapping[str, str]) -> list[str]:
    return [f"*{name}*: {amounts}" for name, amounts in motions.items()]


def _share(value: float, digits: int = 1) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.{digits}f} %"
