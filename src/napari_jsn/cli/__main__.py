"""Run the command ``napari-jsn``: ``python -m napari_jsn.cli``."""

from napari_jsn.cli import main

if __name__ == "__main__":
    main()
