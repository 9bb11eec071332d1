"""`yuanmeng init`: a home with its database, keys and a commented yuanmeng.toml.

Belongs here: setting up a home, once; run again it only brings the database up to date. Does not: filling it.
"""

import os
from pathlib import Path
from typing import Any

from console.options import AsJson, AsOf, Home
from console.output import emit

TEMPLATE = """\
# Yuanmeng's settings. Whatever is not set has the value shown; YUANMENG_<NAME> in the environment goes first.
# Relative paths start at this folder. Secrets never stand here: name a variable (…_env) or a file (…_file).

# database_url = "sqlite:///yuanmeng.db"        # or "postgresql://user@host/yuanmeng"
# keys_file = "keys.toml"                       # back it up apart from the database
# channel = "yuanmeng"                          # the chat channel for alerts
# language = "both"                             # zh, en or both
# prefect_database_url = "postgresql://user@host/prefect"   # of `yuanmeng serve`; SQLite in the home, if not set
# prefect_auth_file = "prefect-auth"            # one line that everybody must show who asks Prefect's server
# connections_at_once = 24                      # systems that are read side by side
# doubts = { broken_share = 0.05, least_rows = 200, removed_share = 0.10 }   # from where on a reading is held
# quiet = { from = "21:00", until = "08:00" }   # hours in which only what is urgent is told

# One block for each system that is read or written; `yuanmeng connections check` tries them.
# kinds: scim (HR), oneroster (school), moodle, xapi (centre), partner (school, assessor, finance, union), slack (chat),
# apprise (chat: Feishu, DingTalk and WeCom robots, e-mail; docs/alerts.md)
#
# [[connections]]
# name = "wuxi-open-university"
# kind = "oneroster"
# organisation = "12350100000000019K"           # whose data this is: its unified social credit code
# base_url = "https://sis.example.edu.cn/ims/oneroster"
# auth = { type = "oauth2", token_url = "https://sis.example.edu.cn/oauth/token", client_id = "ym", \
client_secret_env = "WUXI_OU_SECRET" }
#
# [[connections]]
# name = "union-group"
# kind = "apprise"
# organisation = "13320200000000003M"
# auth = { url_env = "YM_UNION_GROUP" }         # wecombot://KEY, dingtalk://SECRET@TOKEN, feishu://TOKEN, mailtos://…

# Which chat is told of what: the first route that fits, else the first chat connection. What is not set fits all.
#
# [[routes]]
# connection = "union-group"
# role = ["union", "union_finance"]             # also: project, cohort, organisation (credit code), severity
"""


def init(home: Home = None, as_of: AsOf = None, as_json: AsJson = False) -> None:
    """Set up a home 初始化. It gets the database, the keys, a commented yuanmeng.toml; run again it changes nothing."""
    emit(set_up(home), as_json, _told)


def set_up(home: Path | None) -> dict[str, Any]:
    """Set up a home, and give where its folder, settings and keys are; what is there already is left as it is."""
    from connectors.database import migrate
    from connectors.settings import CONFIG_NAME, create_keys, load_settings

    config = Path(os.environ.get("YUANMENG_CONFIG") or (home or Path()) / CONFIG_NAME).resolve()
    config.parent.mkdir(parents=True, exist_ok=True)
    if not config.exists():
        config.write_text(TEMPLATE, encoding="utf-8")
    settings = load_settings(home)
    settings.home.mkdir(parents=True, exist_ok=True)
    for folder in ("exchange", "logs"):
        (settings.home / folder).mkdir(mode=0o700, exist_ok=True)
    create_keys(settings.keys_file)
    migrate(settings.database_url)
    return {"home": str(settings.home), "config": str(config), "keys": str(settings.keys_file)}


def _told(made: dict[str, Any]) -> list[str]:
    return [
        f"家 home      {made['home']}",
        f"设置 settings {made['config']}",
        f"密钥 keys     {made['keys']}  (back them up apart from the database)",
        "接下来 next: add [[connections]] to the settings, then `yuanmeng connections check`; "
        "`yuanmeng cohort template > plan.toml`, then `yuanmeng cohort open plan.toml`",
    ]
