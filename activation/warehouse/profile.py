"""The dbt profile: one place that says where the warehouse is, for dbt and for us."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from activation.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class WarehouseProfile:
    """The output that the profile's target names."""

    profile: str
    target: str
    adapter: str
    path: Path
    """The DuckDB file, absolute."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """DuckDB settings of the output, such as `memory_limit`."""


def load_profile(dbt_project: Path, env: Mapping[str, str]) -> WarehouseProfile:
    """
    Return what the target of the project's profile says.

    `profiles.yml` stands in `DBT_PROFILES_DIR` if that is set, else beside `dbt_project.yml`.
    A relative path of a DuckDB file starts at the project's folder.

    Raises:
        ConfigurationError: a file, a key or an environment variable is missing,
            or the adapter is none that this project knows.
    """
    project = _read(dbt_project / "dbt_project.yml", env)
    profiles_file = Path(env.get("DBT_PROFILES_DIR") or dbt_project) / "profiles.yml"
    profiles = _read(profiles_file, env)
    name = _text(project, "profile", dbt_project / "dbt_project.yml")
    profile = profiles.get(name)
    if not isinstance(profile, dict):
        raise ConfigurationError(
            f"{profiles_file} has no profile {name}.", hint="Add it, as dbt needs it too."
        )
    target = env.get("DBT_TARGET") or str(profile.get("target") or "default")
    outputs = profile.get("outputs")
    output = outputs.get(target) if isinstance(outputs, dict) else None
    if not isinstance(output, dict):
        raise ConfigurationError(
            f"Profile {name} in {profiles_file} has no output {target}.",
            hint="Add it, or name another one under `target`.",
        )
    adapter = _text(output, "type", profiles_file)
    if adapter != "duckdb":
        raise ConfigurationError(
            f"Target {target} of profile {name} uses the adapter {adapter}, "
            "which has no warehouse here yet.",
            hint="Use a duckdb target.",
        )
    path = _text(output, "path", profiles_file)
    if path.startswith((":memory:", "md:", "motherduck:")):
        raise ConfigurationError(
            f"Target {target} of profile {name} names no DuckDB file.",
            hint="Set `path` to a file: what is delivered must outlive the run.",
        )
    settings = output.get("settings")
    return WarehouseProfile(
        profile=name,
        target=target,
        adapter=adapter,
        path=(dbt_project / path).resolve(),
        settings={str(k): str(v) for k, v in settings.items()}
        if isinstance(settings, dict)
        else {},
    )


def _text(part: Mapping[str, object], key: str, file: Path) -> str:
    value = part.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{file} lacks `{key}`.", hint="dbt needs it too: add it.")
    return value


def _read(file: Path, env: Mapping[str, str]) -> dict[str, object]:
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"{file} does not exist.", hint="Point to the folder of the dbt project."
        ) from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file} is not YAML: {error}", hint="Correct it.") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file} is empty.", hint="Write it as dbt needs it.")
    return {str(key): _rendered(value, file, env) for key, value in content.items()}


def _rendered(value: object, file: Path, env: Mapping[str, str]) -> object:
    """Render Jinja in every text, as dbt does, knowing `env_var` alone."""
    if isinstance(value, dict):
        return {key: _rendered(part, file, env) for key, part in value.items()}
    if isinstance(value, list):
        return [_rendered(part, file, env) for part in value]
    if not isinstance(value, str) or "{{" not in value:
        return value

    from jinja2 import StrictUndefined, TemplateError
    from jinja2.sandbox import SandboxedEnvironment

    def env_var(name: str, default: str | None = None) -> str:
        found = env.get(name, default)
        if found is None:
            raise ConfigurationError(
                f"{file} asks for the environment variable {name}, which is not set.",
                hint=f"Set {name}.",
            )
        return found

    try:
        template = SandboxedEnvironment(undefined=StrictUndefined).from_string(value)
        return template.render(env_var=env_var)
    except TemplateError as error:
        raise ConfigurationError(
            f"{file} uses Jinja beyond env_var: {error}", hint="Use env_var alone."
        ) from error
