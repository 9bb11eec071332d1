"""Settings of one installation: yuanmeng.toml, the environment, and the files secrets are kept in.

Belongs here: reading and checking settings, secrets and keys. Does not: what is done with them.
Secrets come from the environment or from a file a setting names, never from the TOML itself.
"""

import base64
import binascii
import getpass
import os
import secrets
import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as UnreadableEnvironment

from connectors.base import Connection
from models.rules.alerts import QuietHours
from models.rules.policy import policies_from
from models.rules.reading import Doubts
from models.vault import Keyring

CONFIG_NAME = "yuanmeng.toml"
KEY_BYTES = 64
SECRETS = ("token", "password", "client_secret", "signing_secret", "secret", "key", "url")
CHAT_KINDS = ("slack", "apprise")
NIGHT = QuietHours()


class SettingsError(ValueError):
    """A setting, secret or key is missing or wrong; the sentence says what to do."""


def system_user() -> str:
    """Give the name of the system's user, who acts unless YUANMENG_ACTOR names another."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _listed(value: Any) -> Any:
    """One text may stand for a list of one."""
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Route(BaseModel):
    """Which chat is told of what. A field that is not set fits all; one that names several fits each of them.

    `project` and `cohort` are codes, `organisation` is the holder's credit code, `role` the holder's role.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connection: str
    project: Texts = ()
    cohort: Texts = ()
    organisation: Texts = ()
    role: Texts = ()
    severity: Annotated[tuple[Literal["urgent", "warning", "info"], ...], BeforeValidator(_listed)] = ()


class Quiet(BaseModel):
    """The hours in which nobody is disturbed by what can wait, in Shanghai's time; the same twice means none."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    begins: time = Field(default=NIGHT.begins, alias="from")
    ends: time = Field(default=NIGHT.ends, alias="until")

    @property
    def hours(self) -> QuietHours:
        """The same for the rules."""
        return QuietHours(self.begins, self.ends)


class Settings(BaseSettings):
    """The settings of one installation; YUANMENG_* in the environment goes before yuanmeng.toml.

    `home` holds the database, the keys, logs, reports and `exchange/`. `prefect_database_url` and `prefect_auth_file` are
    for `yuanmeng serve`: where Prefect's server keeps its data, and the file with what whoever asks it must show.
    """

    model_config = SettingsConfigDict(env_prefix="YUANMENG_", extra="forbid", frozen=True, hide_input_in_errors=True)

    home: Path
    database_url: str
    keys_file: Path
    connections: tuple[Connection, ...] = ()
    routes: tuple[Route, ...] = ()
    quiet: Quiet = Field(default_factory=lambda: Quiet.model_validate({}))
    channel: str = Field(default="yuanmeng", min_length=1)
    language: Literal["zh", "en", "both"] = "both"
    actor: str = Field(default_factory=system_user, min_length=1)
    policies: tuple[dict[str, Any], ...] = ()
    connections_at_once: int = Field(default=24, ge=1)
    prefect_database_url: str | None = None
    prefect_auth_file: Path | None = None
    doubts: Doubts = Doubts()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes before what the file says."""
        return env_settings, init_settings

    @field_validator("policies")
    @classmethod
    def _policies_can_hold(cls, policies: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        policies_from(policies)
        return policies

    @field_validator("connections")
    @classmethod
    def _names_differ(cls, connections: tuple[Connection, ...]) -> tuple[Connection, ...]:
        names = [one.name for one in connections]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"two connections are named {doubled[0]}: give each its own name")
        return connections

    @field_validator("connections")
    @classmethod
    def _marks_have_one_source(cls, connections: tuple[Connection, ...]) -> tuple[Connection, ...]:
        """A school's marks in sheets make classes of their own, which would hide those of its other system."""
        schools = {one.organisation for one in connections if one.kind == "oneroster"}
        sheets = (one for one in connections if one.kind == "spreadsheet" and one.organisation in schools)
        twice = next((one.name for one in sheets if "results" in one.options.get("streams", ())), None)
        if twice is not None:
            raise ValueError(f"{twice} reads marks of a school whose oneroster connection brings them: take results "
                             "out of its options.streams")  # fmt: skip
        return connections

    @field_validator("routes")
    @classmethod
    def _routes_lead_somewhere(cls, routes: tuple[Route, ...], before: ValidationInfo) -> tuple[Route, ...]:
        connections = before.data.get("connections", ())  # none when they are wrong themselves
        chats = {one.name for one in connections if one.kind in CHAT_KINDS}
        lost = next((one.connection for one in routes if one.connection not in chats), None)
        if lost is not None and "connections" in before.data:
            raise ValueError(f"it leads to {lost}, which is no connection of kind {' or '.join(CHAT_KINDS)}")
        return routes


def load_settings(home: Path | None = None) -> Settings:
    """Read the settings of `home`, else of the file YUANMENG_CONFIG names, else of this folder.

    Raises SettingsError in one sentence.
    """
    config = _config_path(home)
    values = _read_config(config)
    folder = home or _path_of(values.get("home"), config.parent) or config.parent
    values = {**values, "home": folder.resolve()}
    values.setdefault("database_url", f"sqlite:///{folder.resolve() / 'yuanmeng.db'}")
    values.setdefault("keys_file", "keys.toml")
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError(_first_mistake(error, config)) from None
    except UnreadableEnvironment as error:
        raise SettingsError(f"a variable YUANMENG_* cannot be read ({error}): correct it, or unset it") from None
    return _settled(settings, folder.resolve(), config.parent)


def _config_path(home: Path | None) -> Path:
    named = os.environ.get("YUANMENG_CONFIG")
    if named:
        return Path(named)
    return (home or Path(os.environ.get("YUANMENG_HOME", "."))) / CONFIG_NAME


def _path_of(value: Any, base: Path) -> Path | None:
    """Give a path named in the environment or the file; a relative one starts at `base`."""
    named = os.environ.get("YUANMENG_HOME") or value
    return base / Path(named).expanduser() if named else None


def _read_config(config: Path) -> dict[str, Any]:
    if not config.exists():
        if "YUANMENG_DATABASE_URL" in os.environ and "YUANMENG_CONFIG" not in os.environ:
            return {}
        raise SettingsError(
            f"there is no {config}: run `yuanmeng init`, or name the folder of {CONFIG_NAME} with --home DIR"
        )
    try:
        values = tomllib.loads(config.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config} is not valid TOML ({error}): correct that line") from None
    except OSError as error:
        raise SettingsError(f"{config} cannot be read ({error.strerror}): check who may read it") from None
    connections = values.get("connections", ())
    for connection in connections if isinstance(connections, list) else ():
        if isinstance(connection, dict):
            _check_auth(connection, config)
    return values


def _check_auth(connection: dict[str, Any], config: Path) -> None:
    """Refuse a secret in the file itself; let files of secrets be named from the file's own folder."""
    if connection.get("kind") == "apprise" and connection.get("base_url"):
        raise SettingsError(
            f"{config} holds the address of the chat {connection.get('name', '?')}, which is a secret as a whole: "
            "put it into the environment, and name the variable with auth = { url_env = … } in place of base_url"
        )
    if "@" in str(connection.get("base_url", "")).partition("?")[0]:
        raise SettingsError(
            f"{config} holds a login in the base_url of the connection {connection.get('name', '?')}: "
            'give it by auth = { type = "basic", username = …, password_env = … }'
        )
    auth = connection.get("auth", {})
    if not isinstance(auth, dict):
        return
    for name in SECRETS:
        if name in auth:
            raise SettingsError(
                f"{config} holds a secret ({name} of the connection {connection.get('name', '?')}): "
                f"put it into the environment and name the variable with {name}_env"
            )
        if f"{name}_file" in auth:
            auth[f"{name}_file"] = str(config.parent.resolve() / Path(str(auth[f"{name}_file"])).expanduser())


def _settled(settings: Settings, home: Path, base: Path) -> Settings:
    """Let relative paths start at the home, wherever the command was typed."""
    url = settings.database_url
    if url.startswith("sqlite:///") and not url.startswith(("sqlite:////", "sqlite:///:")):
        url = f"sqlite:///{home / url.removeprefix('sqlite:///')}"
    keys = home / settings.keys_file.expanduser()
    auth = home / settings.prefect_auth_file.expanduser() if settings.prefect_auth_file is not None else None
    return settings.model_copy(update={"home": home, "database_url": url, "keys_file": keys, "prefect_auth_file": auth})


def _first_mistake(error: ValidationError, config: Path) -> str:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"the setting {place} in {config} is not known: remove it, or correct its spelling"
    return f"the setting {place} in {config} cannot be used ({first['msg']}): correct it"


def secret_of(auth: Mapping[str, Any], name: str) -> str:
    """Give the secret `name` of a connection: the variable `<name>_env` or the file `<name>_file` holds it.

    Raises SettingsError when neither is named, or what is named is not there.
    """
    variable, file = auth.get(f"{name}_env"), auth.get(f"{name}_file")
    if variable:
        value = os.environ.get(str(variable), "")
        if not value:
            raise SettingsError(f"the variable {variable} is not set: it must hold the {name} of the connection")
        return value
    if not file:
        raise SettingsError(f"the connection names no {name}: set {name}_env or {name}_file in its auth")
    try:
        return Path(str(file)).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"the file {file} cannot be read: it must hold the {name} of the connection") from None


def create_keys(path: Path) -> None:
    """Make the file of keys, readable by its owner alone; one that is there already is left as it is."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _keys_beside(path, Keyring(current="k1", keys={"k1": _new_key()}, matching=_new_key()))
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return  # another process was first
    finally:
        beside.unlink()


def add_key(path: Path) -> Keyring:
    """Add a key to the file, make it the current one, and give the new keyring; older keys stay to read with."""
    ring = read_keys(path)
    number = 1 + max((int(name[1:]) for name in ring.keys if name[:1] == "k" and name[1:].isdigit()), default=0)
    grown = Keyring(current=f"k{number}", keys={**ring.keys, f"k{number}": _new_key()}, matching=ring.matching)
    _keys_beside(path, grown).replace(path)
    return grown


def load_keyring(settings: Settings) -> Keyring:
    """Read the keys of this installation. Raises SettingsError."""
    return read_keys(settings.keys_file)


def read_keys(path: Path) -> Keyring:
    """Read a file of keys. Raises SettingsError when it is not there, broken, or open to others."""
    try:
        mode = path.stat().st_mode
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        keys = {str(name): _decoded(value) for name, value in values["keys"].items()}
        ring = Keyring(current=str(values["current"]), keys=keys, matching=_decoded(values["matching"]))
    except OSError:
        raise SettingsError(
            f"the keys {path} cannot be read: run `yuanmeng init`, or restore them from their backup"
        ) from None
    except (KeyError, AttributeError, TypeError, ValueError):
        raise SettingsError(f"the keys {path} are damaged: restore them from their backup") from None
    if ring.current not in ring.keys:
        raise SettingsError(f"the keys {path} lack the current one ({ring.current}): restore them from their backup")
    if mode & 0o077:
        raise SettingsError(f"others may read the keys {path}: let only their owner, with `chmod 600`")
    return ring


def _decoded(value: str) -> bytes:
    key = base64.b64decode(value, validate=True)
    if len(key) not in (32, 48, KEY_BYTES):
        raise binascii.Error("a key has 32, 48 or 64 bytes")
    return key


def _new_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def _keys_beside(path: Path, ring: Keyring) -> Path:
    """Write the whole file beside, to be put in place at once: a crash leaves the old one or the new one."""
    lines = [
        "# The keys of personal numbers. Back them up apart from the database: without them the numbers are lost.",
        f'current = "{ring.current}"',
        f'matching = "{base64.b64encode(ring.matching).decode()}"',
        "",
        "[keys]",
        *(f'{name} = "{base64.b64encode(key).decode()}"' for name, key in ring.keys.items()),
    ]
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return beside
