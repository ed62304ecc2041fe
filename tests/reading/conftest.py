"""The databases and the measured patient of the tests of the store."""

from tests.store.conftest import folder, measured, place, store  # noqa: F401
