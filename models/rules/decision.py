"""What every rule answers with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: its outcome, the rule that made it, one sentence for a coordinator, the policy's version."""

    outcome: str
    rule: str = ""
    reason: str = ""
    policy_version: str = ""
