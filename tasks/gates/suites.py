"""Asking Great Expectations: which rows of a batch break which rules.

Belongs here: suites made of the rules, and reading the results. Does not: a rule (rules.py) or a column (columns.py).
It takes two seconds to import, so only a batch with news does. An expectation costs two milliseconds however few the
rows, twice that when every bad row must be named: so that is asked of those alone that were not met, and nothing is
asked of a column that was made here with nothing wrong in it. Results hold raw values: nothing of them but places in the
batch goes on from here.
"""

import logging
import os
from functools import cache
from threading import Lock
from typing import Any

from tasks.gates.columns import Judged, column
from tasks.gates.rules import Rule, rules_of

_ALONE = Lock()  # its context is one a process, and what it does is all computing


class GateBroken(Exception):
    """A gate could not be asked: nothing is known of the rows, good or bad."""

    def __init__(self, rule: str) -> None:
        """Name the rule."""
        super().__init__(f"its gate could not judge the rule {rule}")
        self.rule = rule


def judge(batch: Judged) -> dict[int, list[str]]:
    """Give the rules that rows of a batch break, by their places in it. Raises GateBroken."""
    rules = rules_of(batch.kind)
    made = {name: column(batch, name) for name in dict.fromkeys(name for rule in rules for name in rule.columns)}
    doubtful = {name: values for name, values in made.items() if values is not None}
    rules = tuple(rule for rule in rules if not doubtful.keys().isdisjoint(rule.columns))
    return _judge(rules, doubtful) if rules else {}


def _judge(rules: tuple[Rule, ...], columns: dict[str, list[Any]]) -> dict[int, list[str]]:
    broken: dict[int, list[str]] = {}
    with _ALONE:
        frame = _frame(columns)
        for rule in _not_met(rules, frame):
            for place in _places(rule, frame):
                broken.setdefault(place, []).append(rule.name)
    return broken


def _frame(columns: dict[str, list[Any]]) -> Any:
    from pandas import DataFrame

    return DataFrame(columns)


@cache
def _context() -> Any:
    """Great Expectations in memory: it keeps nothing, tells nobody and draws no bars."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


@cache
def _batches() -> Any:
    asset = _context().data_sources.add_pandas("records").add_dataframe_asset("news")
    return asset.add_batch_definition_whole_dataframe("batch")


@cache
def suite_of(rules: tuple[Rule, ...]) -> Any:
    """Give the suite that asks these rules, each expectation marked with its rule's place."""
    _context()
    from great_expectations import ExpectationSuite, expectations

    asked = [
        getattr(expectations, rule.expectation)(**rule.options, meta={"rule": place})
        for place, rule in enumerate(rules)
    ]
    return ExpectationSuite(name=", ".join(rule.name for rule in rules), expectations=asked)


def _not_met(rules: tuple[Rule, ...], frame: Any) -> list[Rule]:
    """Give the rules that some row breaks. Raises GateBroken."""
    results = _ask(rules, frame, "BOOLEAN_ONLY").results
    return [rules[one.expectation_config.meta["rule"]] for one in results if not one.success]


def _places(rule: Rule, frame: Any) -> list[int]:
    """Give the places of all rows that break a rule. Raises GateBroken."""
    (result,) = _ask((rule,), frame, "COMPLETE").results
    return list(result.result["unexpected_index_list"])


def _ask(rules: tuple[Rule, ...], frame: Any, form: str) -> Any:
    found = _batches().get_batch(batch_parameters={"dataframe": frame}).validate(suite_of(rules), result_format=form)
    for one in found.results:
        if any(told.get("exception_message") for told in _exceptions(one.exception_info)):
            raise GateBroken(rules[one.expectation_config.meta["rule"]].name)
    return found


def _exceptions(told: dict[str, Any]) -> list[dict[str, Any]]:
    """What went wrong while an expectation was asked: told flat, or by the metric it happened in."""
    return [told] if "exception_message" in told else [one for one in told.values() if isinstance(one, dict)]
