"""`make serve`: the whole service on the embedded AWS, until Ctrl-C.

PORT (8000), RANVIER_OPERATOR_TOKEN (made and printed otherwise), RANVIER_LOCAL_NOW (a virtual clock from there, real
time otherwise) and RANVIER_DATA (a directory that keeps data between runs) say how.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from chalice.app import Chalice

from local.clock import parse, wire
from local.server import Server
from local.world import World


def main(app: Callable[[], Chalice] | None = None) -> int:
    """Serve until told to end. `app`: what makes the app to serve instead of the project's own."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    start, data = os.environ.get("RANVIER_LOCAL_NOW"), os.environ.get("RANVIER_DATA")
    try:
        now = parse(start) if start else None
        server = Server(int(os.environ.get("PORT") or 8000))
    except ValueError as wrong:
        print(f"RANVIER_LOCAL_NOW or PORT: {wrong}", file=sys.stderr)
        return 2
    except OSError as taken:
        print(f"cannot listen there: {taken.strerror}; PORT=… chooses another port", file=sys.stderr)
        return 2
    world = World(
        now,
        app=app,
        data=Path(data) if data else None,
        operator_token=os.environ.get("RANVIER_OPERATOR_TOKEN"),
        public_url=server.url,
    )
    with world:
        for caught in (signal.SIGINT, signal.SIGTERM):
            # From another thread: `shutdown` waits for the loop that this thread runs.
            signal.signal(caught, lambda *_: threading.Thread(target=server.shutdown).start())
        clock = f"virtual clock at {wire(world.now)}" if world.clock.virtual else "real time"
        print(f"Ranvier is at {server.url} ({clock})")
        print(f"operator token: {world.operator_token}")
        print("Ctrl-C ends it", flush=True)
        server.serve(world)
        server.close()
    print("ended", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
