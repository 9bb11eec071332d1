"""The ASGI application: every organisation under its path on one host.

Belongs here: putting the wires together. Does not: serving it (server.py).
"""

from starlette.applications import Starlette

from sandbox.wire import control, hr, lrs, moodle, oneroster, partner, partner_rows, press, rosters, school_rows, slack
from sandbox.wire.http import Refusal, refuse
from sandbox.wire.state import State
from sandbox.world import World


def make_app(seed: int = 1) -> Starlette:
    """Return the application of the world of a seed, at its first day."""
    state = State(World(seed))
    partner_rows.fill(state)
    school_rows.fill(state)
    hr.fill(state)
    lrs.fill(state)
    wires = (control, rosters, hr, oneroster, moodle, lrs, slack, press, partner)
    routes = [route for wire in wires for route in wire.ROUTES]
    app = Starlette(routes=routes, exception_handlers={Refusal: refuse})
    app.state.sandbox = state
    app.state.slack = slack.Workspace()
    app.state.callback = press.Callback()
    return app
