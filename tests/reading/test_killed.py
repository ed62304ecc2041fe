"""A reading that is killed at random moments loses at most the action under way (long)."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from napari_jsn.reading import Position, Reading
from napari_jsn.store import open_store

pytestmark = [pytest.mark.long, pytest.mark.skipif(sys.platform == "win32", reason="needs kill -9")]

#: Does random actions of a reader, and prints the state after each one that was saved.
READER = """
import json, random, sys
from napari_jsn.reading import Position, Reading
from napari_jsn.store import open_store
draw, store = random.Random(int(sys.argv[2])), open_store(sys.argv[1], "A")
reading = Reading(store)
position = Position(reading.open("P001"))
def state():
    lines = [(line.joint, line.decision, line.comment) for line in position.lines]
    boxes = [now.joint.box.tolist() for one in position.item.images for now in one.joints.values()]
    scores = sorted([*map(list, position.item.scores().items())])
    return json.dumps([lines, boxes, scores])
def move_box():
    joint = position.item.images[0].joints[position.joint].joint
    position.item.set_box(1, position.side, position.joint, joint.box + draw.choice([-1, 1]))
    position.refresh()
print(state(), flush=True)
while True:
    action = draw.choice(["decide", "comment", "box", "score", "undo", "next"])
    if action == "decide": position.decide(draw.choice(["accepted", "rejected", "unsure"]))
    elif action == "comment": position.comment(f"comment {draw.random()}")
    elif action == "box": move_box()
    elif action == "score": position.score(draw.randrange(4))
    elif action == "undo": position.undo()
    else: position.next()
    print(state(), flush=True)
"""


def stored_state(place):
    """Return what a reader finds who opens the store again, as the killed reader printed it."""
    import json

    with open_store(place, "A") as store:
        position = Position(Reading(store).open("P001"))
        lines = [[line.joint, line.decision, line.comment] for line in position.lines]
        boxes = [now.joint.box.tolist() for one in position.item.images for now in one.joints.values()]
        scores = sorted([*map(list, position.item.scores().items())])
        return json.loads(json.dumps([lines, boxes, scores]))


def test_at_most_the_action_under_way_is_lost(tmp_path, measured):
    import json

    place, draw = str(tmp_path / "trial.db"), random.Random(5)
    with open_store(place, "A") as store:
        store.save(replace(measured, patient_id="P001"))
    now = stored_state(place)
    for moment in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", READER, place, str(moment)], stdout=subprocess.PIPE, text=True
        )
        first = process.stdout.readline()
        assert json.loads(first) == now  # nothing was lost since the reader before
        time.sleep(draw.uniform(0.05, 1.5))
        os.kill(process.pid, signal.SIGKILL)
        printed = [first, *process.stdout.read().splitlines()]
        process.wait()
        states = [json.loads(text) for text in printed if text.strip().endswith("]")]
        now = stored_state(place)
        if now != states[-1]:  # the action under way was saved, and not printed any more
            before, after = json.dumps(states[-1]), json.dumps(now)
            changed = sum(a != b for a, b in zip(states[-1], now, strict=True))
            assert changed == 1, (before, after)
