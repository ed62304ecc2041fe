"""Many patients at once, on Dask: from a folder or a table of patients into a store and one table of joints."""

from napari_jsn.cohort.measure import Cohort, measure_cohort

__all__ = ["Cohort", "measure_cohort"]
