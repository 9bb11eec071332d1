"""`yuanmeng cohort template|open|list|show|advance`: cohorts, from plan to close.

Belongs here: the commands. Does not: the plan (tasks/plan.py) or moving a cohort (tasks/lifecycle.py).
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from console.errors import HELD
from console.options import AsJson, AsOf, Home
from console.output import emit, note, print_json, print_text
from console.progress import progress

app = typer.Typer(help="Cohorts 班级, from plan to close.", rich_markup_mode=None, no_args_is_help=True)
Code = Annotated[str, typer.Argument(metavar="CODE", help="The code of the cohort.")]


@app.command()
def template(as_json: AsJson = False) -> None:
    """Print a commented plan that opens as it is."""
    from tasks.plan import template_text

    if as_json:
        print_json({"plan": template_text()})
        return
    print_text(template_text())


@app.command("open")
def open_plan(
    plan: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, metavar="PLAN.toml")],
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Open a cohort from its plan 开班. Prints its code; the same plan again gives the same cohort."""
    from console.run import flow_of, open_home, run_flow
    from tasks.plan import read_plan

    values = read_plan(plan).model_dump(mode="json")
    office = open_home(home)
    opened = run_flow(flow_of("open_cohort"), plan=values, actor=office.settings.actor, as_of=as_of)
    emit({"code": opened["code"]}, as_json, lambda made: [made["code"]])
    for warning in opened["warnings"]:
        note(f"注意 note: {warning}")


@app.command("list")
def list_all(home: Home = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """List every cohort. Its stage, its people, what is stalled."""
    from console.run import open_home
    from console.tables import cohorts_table

    open_home(home)
    from tasks.views import cohort_list

    emit({"cohorts": cohort_list(as_of)}, as_json, cohorts_table)


@app.command()
def show(
    code: Code,
    people: Annotated[bool, typer.Option("--people", help="List its people too, each with an id.")] = False,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Show where a cohort stands. Who holds it up, its timeline; `--people` also who is in it."""
    from console.run import open_home
    from console.tables import cohort_tables

    open_home(home)
    from tasks.people import cohort_people
    from tasks.views import cohort_view

    view = cohort_view(code, as_of)
    if people:
        view["people"] = cohort_people(code)
    emit(view, as_json, cohort_tables)


@app.command()
def advance(code: Code, home: Home = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Move a cohort on 推进. As far as its evidence carries it; says what it waits for."""
    from console.run import flow_of, open_home, run_flow
    from console.tables import cohort_tables

    open_home(home)
    with progress("推进 advance"):
        view = run_flow(flow_of("advance_cohort"), cohort=code, as_of=as_of)
    emit(view, as_json, cohort_tables)
    if _needs_a_person(view):
        raise typer.Exit(HELD)


def _needs_a_person(view: dict[str, Any]) -> bool:
    return bool(view["participants"].get("held")) or any(wait["stalled"] for wait in view["waits"])
