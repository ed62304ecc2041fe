"""Train a tiny network many times in child processes that are interrupted at random moments; print what came out.

Libraries are imported once; each training is a fork of this process, which runs the command.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from napari_jsn.cli import main
from napari_jsn.segmentation.training import task as module
from napari_jsn.segmentation.training.task import SegmentationTask

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STEM = "segmentation-it"


def shrink() -> None:
    """Make networks, epochs and pools tiny; leave simulated images out."""
    import napari_jsn.training.card
    import napari_jsn.training.train  # noqa: F401

    module.ARCHITECTURES["default"] = {"features": (4,) * 6, "fold": 2}
    module._LEAST_BATCHES = 2
    whole = SegmentationTask.__init__
    SegmentationTask.__init__ = lambda self, *a, **o: whole(self, *a, **{**o, "simulated": 0})


def run(words: list[str], log: Path, number: int = 0, delay: float = 0.0) -> tuple[int, str, float]:
    """Run the command in a child process, and send it a signal after some time; return its end, output and duration."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with log.open("w") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
            sys.stdout, sys.stderr = (open(fd, "w", buffering=1, closefd=False) for fd in (1, 2))  # noqa: SIM115
            sys.argv = ["napari-jsn", *words]
            code = 0
            try:
                main(words)
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
        os._exit(code)
    if number:
        time.sleep(delay)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), log.read_text(), time.monotonic() - began


def main_loop(data: Path, folder: Path, trials: int, seed: int) -> list[dict[str, object]]:
    """Interrupt ``trials`` trainings, each up to three times, and finish them."""
    shrink()
    log = folder / "log.txt"

    def words(out: Path) -> list[str]:
        return ["train", "segmentation", "--data", str(data), "--epochs", "6", "--threads", "1", "--device", "cpu",
                "--out", str(out), "--name", "it", "--seed", "3"]  # fmt: skip

    run(words(folder / "warm"), log)
    code, printed, seconds = run(words(folder / "whole"), log)
    assert code == 0, printed
    rng = random.Random(seed)
    results = []
    for trial in range(trials):
        out, number = folder / str(trial), SIGNALS[trial % 3]
        ends, command = [], words(out)
        for _ in range(rng.randint(1, 3)):
            ends.append(run(command, log, number, rng.uniform(0, 1.02 * seconds))[:2])
            checkpoint = out / f"{STEM}.ckpt"
            if not checkpoint.exists() and (out / f"{STEM}.safetensors").exists():
                break
            command = ["train", "--threads", "1", "--resume", str(checkpoint)] if checkpoint.exists() else words(out)
        if not (out / f"{STEM}.safetensors").exists() or (out / f"{STEM}.ckpt").exists():
            ends.append(run(command, log)[:2])
        names = (f"{STEM}.safetensors", f"{STEM}.json")
        whole, found = ([(place / name).read_bytes() if (place / name).exists() else b"" for name in names]
                        for place in (folder / "whole", out))  # fmt: skip
        left = sorted(path.name for path in out.iterdir() if path.suffix in (".ckpt", ".part"))
        results.append({"signal": int(number), "ends": ends, "weights": whole[0] == found[0], "left": left,
                        "card": _facts(whole[1]) == _facts(found[1])})  # fmt: skip
    return results


def _facts(card: bytes) -> object:
    """Return a card without its command, which names the folder, and without its duration and hash."""
    about = json.loads(card or b"{}")
    return {key: value for key, value in about.items() if key not in ("command", "seconds", "card_sha256")}


if __name__ == "__main__":
    print(json.dumps(main_loop(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))))
