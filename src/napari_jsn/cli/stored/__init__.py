"""Commands on a store of readings: ``napari-jsn store``, and those of ``napari-jsn readers`` that use one."""
