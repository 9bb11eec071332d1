"""`yuanmeng sandbox`: the sandbox alone, to connect to.

Belongs here: the command. Does not: the world (sandbox/).
"""

from typing import Annotated

import typer

from console.options import AsJson
from console.output import note, print_json


def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Where it listens; 0 takes a free one.")] = 8080,
    seed: Annotated[int, typer.Option("--seed", help="Which world.")] = 2016,
    as_json: AsJson = False,
) -> None:
    """Run the sandbox 沙盒 alone. A school, an HR system, a chat and more over real HTTP, until Ctrl-C."""
    from sandbox.server import serve
    from tasks.errors import BadInput

    def announce(url: str) -> None:
        if as_json:
            print_json({"url": url})
            return
        note(f"沙盒 sandbox at {url}; its connections: {url}/_sandbox/connections; its channel: {url}/slack/")
        note("Ctrl-C ends it")

    try:
        serve(seed=seed, port=port, announce=announce)
    except OSError as error:
        raise BadInput(
            f"port {port} cannot be had ({error.strerror}): name another with --port, 0 takes a free one"
        ) from None
