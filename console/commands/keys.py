"""`yuanmeng keys rotate`: a new key for the personal numbers at rest.

Belongs here: the command. Does not: encrypting anew (tasks/rotation.py).
"""

from typing import Annotated

import typer

from console.options import AsJson, AsOf, Home
from console.output import emit
from console.progress import progress

app = typer.Typer(help="Keys 密钥 of personal numbers.", rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def keys() -> None:
    """Keys 密钥 of personal numbers."""


@app.command()
def rotate(
    same_key: Annotated[
        bool, typer.Option("--same-key", help="Make no new key: only finish what an interrupted rotation left.")
    ] = False,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Make a new key 换钥. Every number at rest is encrypted with it; older keys stay, for backups."""
    from console.run import open_home
    from tasks.rotation import rotate_keys

    office = open_home(home)
    with progress("换钥 rotate"):
        result = rotate_keys(new_key=not same_key, actor=office.settings.actor, as_of=as_of)
    emit(result, as_json, lambda done: [f"密钥 key {done['key']}: {done['fields']} fields encrypted anew"])
