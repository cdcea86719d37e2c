"""How is the server started and stopped?"""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable

from twofold.adapters.server.app import app_of
from twofold.adapters.server.checkers import Checkers
from twofold.adapters.server.checking import Checking
from twofold.adapters.server.settings import ServeSettings
from twofold.errors import ModelError, RunError

# Seconds that requests have to end after SIGTERM; then their clients get no answer, and no reward.
_GRACE_S = 5
# Connections at a time.
_MOST_CONNECTIONS = 1024


def serve(
    settings: ServeSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 8700,
    say: Callable[[str], object] = print,
) -> None:
    """Serve until SIGTERM or Ctrl-C, which end it cleanly.

    There is no login: whoever reaches the port can ask. Keep the default host, or guard the port.

    Args:
        settings: What is served, and its limits.
        host: The address to listen on.
        port: The port; 0 = any free one, which is said.
        say: Takes the line that says where the server is, once it can be asked.

    Raises:
        TwofoldError: If the reward, the problems or the address cannot be used, or FastAPI is missing.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise ModelError(f"{error}; pip install 'twofold[serve]'") from error
    n_problems = Checking(settings).n_problems  # here, for its messages
    listening = _socket(host, port)
    checkers = Checkers(settings)
    try:
        checkers.start()
        logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
        logging.getLogger("twofold.serve").setLevel(logging.INFO)
        config = uvicorn.Config(
            app_of(settings, checkers, n_problems),
            log_config=None,
            access_log=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_S,
            server_header=False,
        )
        # uvicorn raises a caught signal again when it has stopped: here that is no failure.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: None)
        place = f"[{host}]" if ":" in host else host
        say(
            f"{settings.function().name} for {n_problems} problems: "
            f"http://{place}:{listening.getsockname()[1]}"
        )
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        checkers.stop()
        listening.close()


def _socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        raise RunError(
            f"cannot listen on {host}, port {port} ({error}); choose another --port, or 0 for a free one"
        ) from error
