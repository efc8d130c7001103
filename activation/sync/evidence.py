"""Looks at both ends of a sync that does not exist yet."""

from __future__ import annotations

from activation.contract.source import load_manifest
from activation.destinations.base import Target
from activation.destinations.connections import connection as entry
from activation.destinations.registry import open_destination
from activation.errors import ConfigurationError, DestinationError, Unavailable
from activation.strategy.draft import Evidence
from activation.strategy.profile import profile
from activation.sync.services import Services
from activation.warehouse.port import Relation


def evidence(services: Services, model: str, connection: str, object_name: str) -> Evidence:
    """
    Return what warehouse and destination say of a model and an object.

    Raises:
        ConfigurationError: there is no such model, connection or object.
        Unavailable: warehouse or vendor cannot be reached.
    """
    settings = services.settings
    manifest = load_manifest(settings.manifest)
    found = manifest.models.get(model)
    if found is None:
        known = ", ".join(sorted(manifest.models))
        raise ConfigurationError(
            f"the dbt project has no model `{model}`.", hint=f"Its models are {known}."
        )
    account = entry(settings.connections, settings.target, connection, services.environment)
    destination = open_destination(account, services.clock)
    try:
        schema = destination.describe(object_name)
    except DestinationError as error:
        raise Unavailable(
            f"connection {connection} could not be asked: {error.message}",
            hint="See that the address answers, then repeat.",
        ) from None
    with services.warehouse.session() as session:
        facts = profile(session, Relation(found.schema, found.identifier))
    target = Target(object_name, "", ())
    return Evidence(
        sync=f"{connection}_{model}",
        model=model,
        connection=connection,
        object=object_name,
        facts=facts,
        schema=schema,
        traits=destination.object_traits(object_name),
        endpoint=destination.endpoint(target, rows=facts.rows).traits,
        manifest=manifest,
    )
