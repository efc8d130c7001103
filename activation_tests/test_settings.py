from datetime import timedelta
from pathlib import Path

import pytest

import activation
from activation.errors import ConfigurationError
from activation.settings import Settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder that is a project."""
    (tmp_path / "workspace.yaml").touch()
    return tmp_path.resolve()


def test_everything_has_a_default(project: Path) -> None:
    """Without any variable, the project's own folders and the sandbox are used."""
    settings = Settings.load({}, project)

    assert settings.root == project
    assert settings.home == project / ".activation"
    assert settings.target == "sandbox"
    assert settings.contracts == project / "activation" / "defs"
    assert settings.connections == project / "activation" / "connections.yaml"
    assert settings.dbt_project == project / "dbt_project"
    assert settings.manifest == project / "dbt_project" / "target" / "manifest.json"
    assert settings.ledger_url == f"sqlite:///{project}/.activation/ledger.db"
    assert settings.dagster_home == project / ".activation" / "dagster"
    assert settings.sandbox_state == project / ".activation" / "sandbox"
    assert settings.sandbox_port == 8765


def test_the_project_is_found_from_a_folder_inside_it(project: Path) -> None:
    """The nearest folder upwards that holds workspace.yaml is the project."""
    inside = project / "a" / "b"
    inside.mkdir(parents=True)

    assert Settings.load({}, inside).root == project


def test_a_named_project_wins_over_the_current_folder(project: Path) -> None:
    """ACTIVATION_PROJECT is the project, wherever the process stands."""
    elsewhere = project / "elsewhere"
    elsewhere.mkdir()

    assert Settings.load({"ACTIVATION_PROJECT": str(elsewhere)}, project).root == elsewhere


def test_outside_every_project_the_package_s_own_is_used(tmp_path: Path) -> None:
    """Without workspace.yaml upwards, the folder above the package is the project."""
    assert Settings.load({}, tmp_path).root == Path(activation.__file__).parent.parent


def test_a_project_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """ACTIVATION_PROJECT must be a folder."""
    with pytest.raises(ConfigurationError, match="ACTIVATION_PROJECT is 'nowhere'"):
        Settings.load({"ACTIVATION_PROJECT": "nowhere"}, tmp_path)


def test_variables_win(project: Path) -> None:
    """Home, target, ledger, Dagster's home and port follow their variables."""
    settings = Settings.load(
        {
            "ACTIVATION_HOME": "/srv/activation",
            "ACTIVATION_TARGET": "production",
            "ACTIVATION_LEDGER_URL": "postgresql://ledger.example.com/activation",
            "DAGSTER_HOME": "/srv/dagster",
            "ACTIVATION_SANDBOX_PORT": "9000",
        },
        project,
    )

    assert settings.home == Path("/srv/activation")
    assert settings.sandbox_state == Path("/srv/activation/sandbox")
    assert settings.target == "production"
    assert settings.ledger_url == "postgresql://ledger.example.com/activation"
    assert settings.dagster_home == Path("/srv/dagster")
    assert settings.sandbox_port == 9000


def test_a_relative_home_is_the_same_place_from_every_folder(project: Path) -> None:
    """A relative ACTIVATION_HOME is taken from the project, not from the current folder."""
    inside = project / "inside"
    inside.mkdir()

    homes = {Settings.load({"ACTIVATION_HOME": "state"}, start).home for start in (project, inside)}

    assert homes == {project / "state"}


def test_an_empty_variable_counts_as_not_set(project: Path) -> None:
    """An exported but empty variable does not move anything."""
    names = ("PROJECT", "HOME", "TARGET", "LEDGER_URL", "SANDBOX_PORT")
    empty = {f"ACTIVATION_{name}": "" for name in names} | {"DAGSTER_HOME": ""}

    assert Settings.load(empty, project) == Settings.load({}, project)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80.5", "٨٠٨٠", " 80"])
def test_a_port_that_is_none_is_refused(project: Path, port: str) -> None:
    """ACTIVATION_SANDBOX_PORT must be a port."""
    with pytest.raises(ConfigurationError, match="is not a port"):
        Settings.load({"ACTIVATION_SANDBOX_PORT": port}, project)


@pytest.mark.parametrize("keep", ["90", "6d", "167h", "for ever", "-90d"])
def test_a_ledger_that_forgets_too_soon_is_refused(project: Path, keep: str) -> None:
    """ACTIVATION_LEDGER_KEEP must be a week or longer."""
    with pytest.raises(ConfigurationError, match="not a week or longer"):
        Settings.load({"ACTIVATION_LEDGER_KEEP": keep}, project)


def test_a_ledger_may_know_of_a_week(project: Path) -> None:
    """A week is allowed; without the variable it is ninety days."""
    assert Settings.load({"ACTIVATION_LEDGER_KEEP": "7d"}, project).ledger_keep == timedelta(days=7)
    assert Settings.load({}, project).ledger_keep == timedelta(days=90)


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_smallest_and_largest_port_are_ports(project: Path, port: str) -> None:
    """1 and 65535 are allowed."""
    assert Settings.load({"ACTIVATION_SANDBOX_PORT": port}, project).sandbox_port == int(port)
