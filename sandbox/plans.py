"""What a coordinator writes: a plan for each cohort and the connections of the sandbox, as TOML.

Belongs here: text. Does not: the facts in it (cohorts/, organisations.py).
"""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from sandbox import organisations as orgs
from sandbox.story import Facts, Funding
from sandbox.wire.names import ALERTS_CHANNEL, CLIENT_ID, SCIM_EXTENSION, SECRET_ENV, STREAMS, TEAM, USERNAME

_ROSTER_SCOPE = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly"
_GRADEBOOK_SCOPE = "https://purl.imsglobal.org/spec/or/v1p2/scope/gradebook-core.readonly"


def _value(value: Any) -> str:
    """Write a TOML value; what JSON writes for text, numbers and lists is TOML too."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _table(head: str, **values: Any) -> str:
    """Write a TOML table under its head; what is None is left out."""
    lines = [head] if head else []
    lines += [f"{key} = {_value(value)}" for key, value in values.items() if value is not None]
    return "\n".join(lines) + "\n"


def _funding(line: Funding) -> str:
    """Write a source of money."""
    return _table(
        "[[funding]]",
        source=line.source,
        name=line.name,
        amount=line.amount,
        trigger=line.trigger,
        periods=line.periods,
        quota=line.quota,
        budget=line.budget,
    )


def _programme(facts: Facts) -> Iterable[str]:
    """Write the programme and its modules."""
    p = facts.programme
    yield _table(
        "[programme]",
        code=p.code,
        name=p.name,
        level=p.level,
        credits_to_graduate=p.credits_to_graduate,
        occupation=p.occupation,
        skill_level=p.skill_level,
        terms=p.terms,
    )
    for m in p.modules:
        yield _table(
            "[[programme.modules]]",
            code=m.code,
            name=m.name,
            credits=m.credits,
            kind=m.kind,
            term=m.term,
            formative_share=m.formative_share,
            each_part=m.each_part,
        )


def plan_toml(facts: Facts) -> str:
    """Return the plan that opens a cohort."""
    roles = {"school": orgs.SCHOOL, "centre": orgs.CENTRE, "union": orgs.UNION}
    roles |= {"assessor": orgs.ASSESSOR, "finance": orgs.FINANCE}
    parts = [
        _table(
            "",
            code=facts.code,
            name=facts.name,
            starts_on=facts.starts_on,
            nomination_opens_on=facts.nomination_opens_on,
            quota=facts.quota,
        ),
        _table(
            "[project]",
            code=facts.project_code,
            name=facts.project_name,
            federation=orgs.FEDERATION.code,
            federation_name=orgs.FEDERATION.name,
        ),
        *_programme(facts),
        *(_table(f"[{role}]", code=org.code, name=org.name) for role, org in roles.items()),
        *(
            _table("[[enterprises]]", code=e.code, name=e.name, supervisor=orgs.SUPERVISORS[e.code])
            for e in (sheet.enterprise for sheet in facts.sheets)
        ),
        *(_funding(line) for line in facts.funding),
    ]
    return "\n".join(parts)


def _connection(name: str, kind: str, organisation: str, url: str, auth: dict[str, Any], **options: Any) -> str:
    """Write a connection."""
    return _table(
        "[[connections]]",
        name=name,
        kind=kind,
        organisation=organisation,
        base_url=url,
        auth=auth,
        options=options or None,
    )


def connections_toml(host: str) -> str:
    """Return every connection of a sandbox at `host`; its secrets are in one environment variable."""
    bearer = {"type": "bearer", "token_env": SECRET_ENV}
    oauth = {
        "type": "oauth2",
        "token_url": f"{host}/school/token",
        "client_id": CLIENT_ID,
        "client_secret_env": SECRET_ENV,
        "scopes": [_ROSTER_SCOPE, _GRADEBOOK_SCOPE],
    }
    moodle = {"type": "moodle", "token_env": SECRET_ENV}
    basic = {"type": "basic", "username": USERNAME, "password_env": SECRET_ENV}
    school = orgs.SCHOOL.code
    parts = [
        *(
            _connection(f"hr-{orgs.SLUGS[e.code]}", "scim", e.code, f"{host}/{e.path}/scim/v2", bearer,
                        extension=SCIM_EXTENSION)
            for e in orgs.ENTERPRISES
        ),
        *(
            _connection(f"hr-{orgs.SLUGS[e.code]}-partner", "partner", e.code, f"{host}/{e.path}", bearer,
                        streams=list(STREAMS["hr"]))
            for e in orgs.ENTERPRISES
        ),
        _connection("school", "oneroster", school, f"{host}/school/ims/oneroster", oauth),
        _connection("school-moodle", "moodle", school, f"{host}/school/moodle", moodle),
        _connection("learning-records", "xapi", orgs.CENTRE.code, f"{host}/lrs", basic),
        *(
            _connection(f"{org.path}-partner", "partner", org.code, f"{host}/{org.path}", bearer,
                        streams=list(STREAMS[org.path]))
            for org in orgs.OFFICES
        ),
        _connection("chat", "slack", orgs.FEDERATION.code, f"{host}/slack/api/",
                    {**bearer, "signing_secret_env": SECRET_ENV}, channel=ALERTS_CHANNEL, team=TEAM, seconds_between=0),
    ]  # fmt: skip
    return "\n".join(parts)
