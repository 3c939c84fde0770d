import subprocess
import sys
from pathlib import Path

import pytest

from study.errors import UserError
from study.store import lease
from study.store.folder import Folder

HOLD = """
import sys
from pathlib import Path
from study.store import lease
from study.store.folder import Folder
with lease.hold(Folder(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_driver_is_told_who_holds_the_folder_until_the_first_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        refused = pytest.raises(UserError, match=rf"is being written by another driver \(process {holder.pid} on ")
        with refused, lease.hold(Folder(tmp_path)):
            pass
        holder.kill()
        holder.wait()
        with lease.hold(Folder(tmp_path)):
            pass
