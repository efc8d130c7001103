from __future__ import annotations

from pathlib import Path

import pytest

from activation.errors import ConfigurationError
from activation.warehouse.profile import load_profile

PROFILES = """
company:
  target: duckdb
  outputs:
    duckdb:
      type: duckdb
      path: "{{ env_var('ACTIVATION_HOME', '../home') }}/warehouse.duckdb"
      settings: {memory_limit: 400MB}
    cloud: {type: snowflake, account: x}
    nowhere: {type: duckdb, path: ":memory:"}
"""


def project(folder: Path, profiles: str = PROFILES) -> Path:
    """Write a dbt project and return its folder."""
    dbt = folder / "dbt"
    dbt.mkdir()
    (dbt / "dbt_project.yml").write_text("name: company\nprofile: company\n")
    (dbt / "profiles.yml").write_text(profiles)
    return dbt


def test_default_of_a_variable_starts_at_the_project(tmp_path: Path) -> None:
    """A relative path is relative to the dbt project's folder, wherever we run."""
    profile = load_profile(project(tmp_path), {})
    assert profile.path == tmp_path / "home" / "warehouse.duckdb"
    assert (profile.profile, profile.target) == ("company", "duckdb")
    assert profile.settings == {"memory_limit": "400MB"}


def test_a_variable_that_is_set_wins(tmp_path: Path) -> None:
    """The environment that is handed in is what `env_var` reads."""
    profile = load_profile(project(tmp_path), {"ACTIVATION_HOME": str(tmp_path / "elsewhere")})
    assert profile.path == tmp_path / "elsewhere" / "warehouse.duckdb"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("target: duckdb", "target: cloud"), "adapter snowflake"),
        (("target: duckdb", "target: nowhere"), "no DuckDB file"),
        (("target: duckdb", "target: other"), "no output other"),
        (("company:", "someone:"), "no profile company"),
        ((", '../home'", ""), "ACTIVATION_HOME, which is not set"),
        (("env_var(", "secret("), "beyond env_var"),
        (("company:", "company: ["), "is not YAML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    """A profile that cannot be used is refused with what is wrong."""
    with pytest.raises(ConfigurationError, match=sentence):
        load_profile(project(tmp_path, PROFILES.replace(*change, 1)), {})


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    """A folder that is no dbt project is named."""
    with pytest.raises(ConfigurationError, match=r"dbt_project\.yml does not exist"):
        load_profile(tmp_path, {})
