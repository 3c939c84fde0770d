"""One driver at a time in a study folder."""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

from study.errors import UserError
from study.store.folder import Folder

_NAME = "driver.lock"


@contextlib.contextmanager
def hold(folder: Folder) -> Iterator[None]:
    """Hold the study folder for this process; raises UserError naming the holder where another driver has it.

    The kernel lets go of the lock with the process that held it, however it died, so nothing stale is left behind.
    """
    folder.root.mkdir(parents=True, exist_ok=True)
    with open(folder.root / _NAME, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"--out: {folder.root} is being written by another driver ({_holder(file.name)}); "
                "wait for it, or stop it"
            ) from None
        file.truncate(0)
        file.write(
            json.dumps(
                {
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                    "since": datetime.now(UTC).isoformat(timespec="seconds"),
                }
            )
        )
        file.flush()
        yield


def _holder(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            holder = json.load(file)
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (ValueError, KeyError):
        return "starting just now"
