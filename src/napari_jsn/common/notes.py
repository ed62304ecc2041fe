"""Short texts for the user: notes and their form for results, counted nouns, shortened names."""

from __future__ import annotations

from collections.abc import Iterable


class Note(str):
    """A note whose text holds something that was taken from the input: a file name, a date, a word of a tag.

    The text is for the person who runs the program. Results are passed on, so they hold ``public`` instead, unless the
    identity is kept. A note without such words is an ordinary string.

    Parameters
    ----------
    text : str
        The whole note.
    public : str
        The note without what was taken from the input.

    Examples
    --------
    >>> from napari_jsn.common.notes import Note, written_notes
    >>> note = Note("Two visits are of one day (2020-01-17).", public="Two visits are of one day.")
    >>> print(note)
    Two visits are of one day (2020-01-17).
    >>> written_notes(["No spacing is known.", note])
    ['No spacing is known.', 'Two visits are of one day.']
    """

    public: str

    def __new__(cls, text: str, public: str) -> Note:
        """Return a note; its value as a string is ``text``."""
        note = super().__new__(cls, text)
        note.public = public
        return note

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str(self), self.public


def written_notes(notes: Iterable[str], keep_identity: bool = False) -> list[str]:
    """Return notes as results hold them, each once: without what was taken from the input, unless it is kept."""
    kept = (str(note) if keep_identity or not isinstance(note, Note) else note.public for note in notes)
    return list(dict.fromkeys(kept))


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, which takes an s unless there is exactly one.

    Examples
    --------
    >>> from napari_jsn.common.notes import counted
    >>> counted(1, "radiograph"), counted(2, "radiograph")
    ('1 radiograph', '2 radiographs')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def shortened(name: str, longest: int = 40) -> str:
    """Return a name, without its middle if it is longer than ``longest`` characters.

    Examples
    --------
    >>> from napari_jsn.common.notes import shortened
    >>> shortened("radiograph of the left hand", 13)
    'radio... hand'
    """
    if len(name) <= longest:
        return name
    kept = (longest - 3) // 2
    return f"{name[:kept]}...{name[-kept:]}"
