"""`gatekeeper doctor`: try the connections."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

import click

from gatekeeper.cli.exit import NOT_EVALUATED, OPEN, silence_libraries
from gatekeeper.cli.options import project_option
from gatekeeper.errors import EngineError
from gatekeeper.model.project import Connection, Project

# Beyond this a freshness rule of minutes is judged by the wrong clock.
_SKEW_SECONDS = 60.0


@click.command("doctor", help="Connect to everything: versions, privileges, clock skew.")
@project_option
def command(project: Path | None) -> int:
    """Try each connection."""
    from gatekeeper.contracts import find_project, load_project

    loaded = load_project(find_project(Path.cwd(), project))
    silence_libraries()
    sound = [_examine(loaded, connection) for connection in loaded.connections.values()]
    if not sound:
        click.echo("the project has no connections")
    return OPEN if sound and all(sound) else NOT_EVALUATED


def _examine(project: Project, connection: Connection) -> bool:
    from gatekeeper.engines import connect
    from gatekeeper.reports.clean import block

    try:
        engine = connect(connection, environ=os.environ, root=project.root)
        try:
            session = engine.open(timeout_seconds=min(30.0, connection.statement_timeout.total_seconds()))
            skew = (session.now() - datetime.now(timezone.utc)).total_seconds()
            session.close()
            about = engine.about()
        finally:
            engine.close()
    except EngineError as failed:
        click.echo(block(f"{connection.name}: {failed.cause}: {failed.message}"))
        click.echo(f"  ask {connection.owner or 'the owner of the connection'}")
        return False
    click.echo(
        block(
            f"{connection.name}: {about.get('version', 'unknown version')}"
            + (f", as {about['user']}" if about.get("user") else "")
        )
    )
    click.echo(
        f"  clock: {skew:+.1f} s to ours" + ("; ages are judged by the database's" if abs(skew) > _SKEW_SECONDS else "")
    )
    match about.get("can_write"):
        case "yes":
            click.echo("  warning: this role can write; give the gate a role that can only read")
        case "no":
            click.echo("  privileges: reads only")
        case _:
            click.echo("  privileges: this engine doesn't tell whether the role can write")
    return True
