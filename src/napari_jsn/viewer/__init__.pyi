from . import functions as functions
from .widgets import measure_hands as measure_hands
from .widgets import reading_dock as reading_dock
from .widgets import register_pair as register_pair
from .widgets import score_hands as score_hands
from .widgets import segment_joint as segment_joint
from .widgets import train as train
