"""``trackerd user``: who may sign in to the pages.

What must stay true here: see cli.py; a password is read without being shown and never comes as an argument, which
other users of the machine could see.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trackerd.usage import AWAY, CONFIG, FAULTS, ConfigOption

if TYPE_CHECKING:
    from trackerd.config import Settings
    from trackerd.web.book import Book

user_app = typer.Typer(no_args_is_help=True, help="Who may sign in to the pages: see docs/api.md.")
Name = Annotated[str, typer.Argument(help="The account's name.")]
USAGE = 2


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"
    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"
    WARDEN = "warden"


@user_app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")],
    warden: Annotated[str | None, typer.Option(help="Whose own data a warden sees.")] = None,
    proxy: Annotated[bool, typer.Option("--proxy", help="No password: a trusted proxy says it is them.")] = False,
    config: ConfigOption = CONFIG,
) -> None:
    """Let somebody in; the password is asked for, or read from standard input."""
    from trackerd.web.book import Account

    with _book(config) as (settings, book):
        known = {one.id for one in settings.warden}
        if warden is not None and warden not in known:
            _stop(f"no warden is called {warden!r}: there are {', '.join(sorted(known)) or 'none'}", USAGE)
        book.add(Account(name, role.value, warden, not proxy), None if proxy else _password())
        _say(f"{name} may sign in, as {role.value}" + (f" {warden}" if warden else ""))


@user_app.command("list")
def list_(config: ConfigOption = CONFIG) -> None:
    """List who may sign in."""
    from rich.table import Table

    from trackerd.paper import paper

    table = Table("Name", "Role", "Warden", "Signs in", box=None)
    with _book(config) as (_, book):
        for one in book.accounts():
            table.add_row(one.name, one.role, one.warden or "", "with a password" if one.local else "by the proxy")
    paper().print(table)


@user_app.command()
def remove(name: Name, config: ConfigOption = CONFIG) -> None:
    """Let somebody in no more; their sessions end at once."""
    with _book(config) as (_, book):
        book.remove(name)
        _say(f"{name} is no longer let in")


@user_app.command()
def password(name: Name, config: ConfigOption = CONFIG) -> None:
    """Give somebody another password; their sessions end at once."""
    with _book(config) as (_, book):
        book.change(name, _password())
        _say(f"{name} has another password")


@contextmanager
def _book(config: Path) -> Iterator[tuple[Settings, Book]]:
    """Open the accounts of an installation; leave with the reason where something cannot be done."""
    from trackerd.commands import the_town
    from trackerd.store import StoreError
    from trackerd.web.book import Book, BookError
    from trackerd.web.opened import book_file

    settings, _ = the_town(config)
    try:
        book = Book(book_file(settings, config))
    except StoreError as error:
        _stop(str(error), AWAY)
    try:
        yield settings, book
    except BookError as error:
        _stop(str(error), FAULTS)
    except StoreError as error:
        _stop(str(error), AWAY)
    finally:
        book.close()


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _stop(text: str, code: int) -> None:
    typer.echo(f"trackerd: {text}", err=True)
    raise typer.Exit(code)
