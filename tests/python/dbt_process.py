"""Runs dbt in forks of a process that has read the project once.

The libraries of dbt and of the models are loaded in it, and dbt has made the code by which it reads and writes: that
takes longer than a small build of a layer. It loads nothing of the project itself, so that each fork takes the models
and plugins of its own folder.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from functools import cache
from importlib import import_module
from pathlib import Path

LIBRARIES = ("numba", "pandas", "pyarrow.parquet", "scipy.sparse", "sklearn.linear_model", "statsmodels.api")


@cache
def server() -> subprocess.Popen:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, __file__], text=True, **pipes)


def run_dbt(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    """What `subprocess.run` gives for a command of dbt, with its output as text."""
    if sys.platform != "linux":  # elsewhere such a fork may crash
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as written:
        outputs = [f"{written}/stdout", f"{written}/stderr"]
        print(json.dumps([command, str(folder), environment, outputs]), file=server().stdin, flush=True)
        code = int(server().stdout.readline())
        return subprocess.CompletedProcess(command, code, *(Path(output).read_text() for output in outputs))


def serve() -> None:
    for name in LIBRARIES:
        import_module(name)
    from dbt.cli.main import dbtRunner

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.path.pop(0)  # the folder of this file, which a command of dbt does not have
    for number, line in enumerate(sys.stdin):
        command, folder, environment, outputs = json.loads(line)
        if not number:
            enter(folder, environment)
            # dbt's static parser starts threads, which a fork would lack
            whole = ("--no-partial-parse", "--no-static-parser")
            variables = command[command.index("--vars") :] if "--vars" in command else ()
            dbtRunner().invoke([*whole, "parse", *variables])
            assert threading.active_count() == 1
            assert "relevance" not in sys.modules
        process = os.fork()
        if not process:
            answer(command, folder, environment, outputs)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), file=answers, flush=True)


def enter(folder: str, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)


def answer(command: list[str], folder: str, environment: dict[str, str], outputs: list[str]) -> None:
    from dbt.cli.main import cli

    for number, file in enumerate(outputs, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    enter(folder, environment)
    sys.argv = command
    sys.exit(cli(command[1:]))


if __name__ == "__main__":
    serve()
