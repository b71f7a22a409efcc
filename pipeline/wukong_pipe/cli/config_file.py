"""Where an option's value comes from: the flag, WUKONG_* in the environment, or wukong.toml, in this order."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from wukong_pipe import bounded
from wukong_pipe.errors import DataError

CONFIG_FILE = Path("wukong.toml")


RETIRED = {
    "build.judge": 'judge of [build] is now verify: write verify = "doubtful" (or all, full, none) in its place.'
}
"""Settings of earlier versions, and what stands in their place."""


def read_config(commands: Mapping[str, Collection[str]], path: Path = CONFIG_FILE) -> dict[str, dict[str, Any]]:
    """wukong.toml as click's default_map: {"build": {"variants": 8}, …}; empty where there is no such file.

    Args:
        commands: each command's option names, with underscores.

    Raises:
        DataError: the file is no TOML, or holds tables or keys that no command knows; all are listed.
    """
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(bounded.read_bytes(path, bounded.MIB).decode("utf-8"))
    except RecursionError:
        raise DataError(f"{path} is not valid TOML: it is nested too deeply.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid TOML: {error}.") from error
    unknown = [name for name in tables if name not in commands or not isinstance(tables[name], dict)]
    known: dict[str, dict[str, Any]] = {}
    for name in tables.keys() - set(unknown):
        known[name] = {key.replace("-", "_"): _plain(name, key, value, path) for key, value in tables[name].items()}
        unknown += [f"{name}.{key}" for key in known[name] if key not in commands[name]]
    if gone := sorted(RETIRED.keys() & set(unknown)):
        raise DataError(f"{path}: {RETIRED[gone[0]]}")
    if unknown:
        raise DataError(
            f"{path} holds unknown settings: {', '.join(sorted(unknown))}; see `wukong-pipe COMMAND --help`."
        )
    return known


def _plain(command: str, key: str, value: Any, path: Path) -> Any:
    """A setting as the command line would have it: a switch as it is, all else as text that the option reads, or a
    list of such for what may be given more than once.

    Raises:
        DataError: it is a table, list or date.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, list) and all(isinstance(entry, str | int | float) for entry in value):
        return [str(entry) for entry in value]
    if not isinstance(value, str | int | float):
        raise DataError(f"{path}: {command}.{key} must be a text, a number, true or false.")
    return str(value)


def check_environment(commands: Mapping[str, Collection[str]], environment: Mapping[str, str]) -> None:
    """Refuse WUKONG_* variables that name no option: a misspelt one would be passed over in silence.

    Raises:
        DataError: there are such variables; all are listed.
    """
    named = {name for name in environment if name.startswith("WUKONG_")}
    if not named:
        return
    known = {f"WUKONG_{command}_{option}".upper() for command, options in commands.items() for option in options}
    unknown = sorted(named - known)
    if unknown:
        raise DataError(
            f"Unknown environment variables: {', '.join(unknown)}; they are named WUKONG_<COMMAND>_<OPTION>."
        )


def place_of(error: click.UsageError) -> str:
    """A sentence that says where the value stands that an error is about; "" where it was typed."""
    context, option = error.ctx, getattr(error, "param", None)
    if context is None or option is None or not option.name:
        return ""
    source = context.get_parameter_source(option.name)
    if source is click.core.ParameterSource.ENVIRONMENT:
        return f"It stands in the environment variable {context.auto_envvar_prefix}_{option.name.upper()}."
    if source is click.core.ParameterSource.DEFAULT_MAP:
        return f"It stands in {CONFIG_FILE}, under [{context.info_name}], as {option.name.replace('_', '-')}."
    return ""
