"""Arrangement of the hands on simulated radiographs, and the limits of what can be simulated."""

from __future__ import annotations

from napari_jsn.common.errors import InputError

#: Sides on each radiograph of a visit, from left to right; the thumbs are in the middle if both hands are on one.
HANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "left": (("L",),),
    "right": (("R",),),
    "each": (("L",), ("R",)),
    "together": (("L", "R"),),
}
_MAX_YEARS, _MAX_PIXELS = 30, 12_000


def check_hands(
    patients: int, visits: int, seed: int, hands: str, shape: tuple[int, int], spacing_mm: float, interval_days: int
) -> None:
    """Raise an InputError if a number, the hands or the shape of the radiographs are out of range."""
    for name, value, least in (("patients", patients, 1), ("visits", visits, 1), ("interval_days", interval_days, 1)):
        if value != int(value) or value < least:
            raise InputError(f"The number of {name.replace('_', ' ')} is {value}; give at least {least}.", name)
    if seed < 0:
        raise InputError(f"The seed is {seed}; give 0 or more.", "seed")
    if hands not in HANDS:
        raise InputError(f"There is no choice of hands {hands!r}. Choose one of: {', '.join(HANDS)}.", "hands")
    if not 0.05 <= spacing_mm <= 0.5:
        raise InputError(f"A detector pixel of {spacing_mm} mm cannot be simulated. Give 0.05 to 0.5 mm.", "spacing_mm")
    years = (visits - 1) * interval_days / 365.25
    if years > _MAX_YEARS:
        raise InputError(
            f"{visits} visits every {interval_days} days are {years:.0f} years. Give {_MAX_YEARS} years at most.",
            "interval_days",
        )
    height, width = (n * spacing_mm for n in shape)
    count = len(HANDS[hands][0])
    if max(shape) > _MAX_PIXELS:
        raise InputError(
            f"A radiograph of {shape[0]} x {shape[1]} pixels cannot be simulated. Give at most {_MAX_PIXELS} rows and "
            "columns.",
            "shape",
        )
    if height < 240 or width < 150 * count:
        raise InputError(
            f"A radiograph of {shape[0]} x {shape[1]} pixels of {spacing_mm} mm is {height:.0f} x {width:.0f} mm, "
            f"too small for {'both hands' if count == 2 else 'a hand'}. Give at least 240 x {150 * count} mm.",
            "shape",
        )
