"""`yuanmeng callbacks`: the door to which the chat sends pressed buttons.

Belongs here: the command. Does not: the application (console/callbacks.py).
"""

from typing import Annotated

import typer

from console.options import AsJson, AsOf, Home
from console.output import note, print_json


def callbacks(
    host: Annotated[
        str, typer.Option("--host", help="Where it listens; a proxy with TLS stands before it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Its port; 0 takes a free one.")] = 8090,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Take the buttons people press in the chat 按钮回调, until Ctrl-C."""
    from console.run import open_home

    office = open_home(home)
    from console.callbacks import serve

    def announce(url: str) -> None:
        if as_json:
            print_json({"url": url})
            return
        chats = ", ".join(f"{url}/slack/{one.name}" for one in office.settings.connections if one.kind == "slack")
        note(f"按钮回调 callbacks at {chats}")
        note("Ctrl-C ends it")

    serve(host, port, announce, note, as_of)
