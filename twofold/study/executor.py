"""Where do the cells of a study run: sequentially here, or on a Ray cluster?

Cells share only the study's folder, which every node of a cluster must see.
"""

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from twofold.study.cell import Cell, work
from twofold.study.plan import Plan, StudyError

# The address that starts a new Ray on this machine, one cell per core or GPU.
LOCAL = "local"


def here(plan: Plan, cells: Sequence[Cell], out: Path) -> Iterator[tuple[Cell, str | None]]:
    """Run the cells one after another; yield each and why it failed, if it did."""
    for cell in cells:
        yield cell, work(plan, cell, out)


def on_ray(
    plan: Plan, cells: Sequence[Cell], out: Path, address: str
) -> Iterator[tuple[Cell, str | None]]:
    """Run the cells on Ray, each on one core and one GPU if there is any; yield as `here`.

    Raises:
        StudyError: If Ray is not installed or no cluster answers at the address.
    """
    try:
        import ray
    except ImportError as error:
        raise StudyError(
            "Ray is not installed: pip install 'twofold[ray]', or omit --ray"
        ) from error
    _require_answer(address)
    try:
        ray.init(
            address=None if address == LOCAL else address,
            include_dashboard=False if address == LOCAL else None,
            log_to_driver=True,
        )
    except (ConnectionError, ValueError) as error:
        raise _no_cluster(address, error) from error
    try:
        resources: Any = ray.cluster_resources()  # type: ignore[no-untyped-call]
        n_gpus = 1 if resources.get("GPU", 0) else 0
        remote = ray.remote(num_cpus=1, num_gpus=n_gpus, max_retries=3)(work)
        waiting = {remote.remote(plan, cell, out.absolute()): cell for cell in cells}
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            cell = waiting.pop(done)
            try:
                yield cell, ray.get(done)
            except ray.exceptions.RayError as error:  # a worker died three times
                yield cell, f"Ray gave up: {error}"
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Raise at once if nothing listens at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, why: Exception) -> StudyError:
    return StudyError(
        f"no Ray cluster answers at {address} ({why}); start one with `ray start --head`, or give "
        f"--ray {LOCAL}"
    )
