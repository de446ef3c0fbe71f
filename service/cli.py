"""The command ``trial-registry``: a few lines a command, all work elsewhere."""

from __future__ import annotations

import asyncio
import os
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from service.compose import open_engine
from service.errors import Issue, RegistryError
from service.files import Loaded, load_paths, read_resources
from service.interactions.definitions import Whole
from service.operations.indexer import index_whole
from service.profiles.base import check
from service.serving import run_server
from service.settings import Settings

app = typer.Typer(
    help="A clinical-trial registry whose results are data, as a FHIR R5 server.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def _flag(name: str) -> Any:  # noqa: ANN401  # typer's option object
    field = Settings.model_fields[name]
    return typer.Option(
        help=field.description, envvar=f"TRIAL_REGISTRY_{name.upper()}", show_default=str(field.default)
    )


StoreFlag = Annotated[str | None, _flag("store")]
MongoFlag = Annotated[str | None, _flag("mongo_transactions")]
Files = Annotated[list[Path], typer.Argument(help="JSON files (a resource or a Bundle each) or folders of them.")]


@app.command()
def serve(
    store: StoreFlag = None,
    host: Annotated[str | None, _flag("host")] = None,
    port: Annotated[int | None, _flag("port")] = None,
    workers: Annotated[int | None, _flag("workers")] = None,
    base_path: Annotated[str | None, _flag("base_path")] = None,
    base_url: Annotated[str | None, _flag("base_url")] = None,
    handling: Annotated[str | None, _flag("handling")] = None,
    page_size: Annotated[int | None, _flag("page_size")] = None,
    max_page_size: Annotated[int | None, _flag("max_page_size")] = None,
    max_body_size: Annotated[int | None, _flag("max_body_size")] = None,
    max_resource_size: Annotated[int | None, _flag("max_resource_size")] = None,
    conditional_delete_limit: Annotated[int | None, _flag("conditional_delete_limit")] = None,
    mongo_transactions: MongoFlag = None,
    terminology_server: Annotated[str | None, _flag("terminology_server")] = None,
    log_level: Annotated[str | None, _flag("log_level")] = None,
) -> None:
    """Serve the registry until it is told to stop (Ctrl-C)."""
    settings = _settings(**locals())
    if settings.workers > 1 and settings.store.rstrip("/") == "sqlite:":
        raise typer.BadParameter("a store in memory belongs to one process.", param_hint="--workers")

    async def can_open() -> None:
        async with open_engine(settings):
            pass

    def ready(address: str) -> None:
        base = f"{address}{settings.base_path}"
        out.print(
            f"\n[bold]Trial registry[/bold] on {escape(settings.store)}, ready at [bold cyan]{address}/[/bold cyan]"
        )
        out.print("Three things to try:")
        out.print(f"  1. open {address}/ in a browser", soft_wrap=True)
        out.print(f"  2. curl '{base}/ResearchStudy?identifier=NCT02187354&_pretty=true'", soft_wrap=True)
        out.print(f"  3. curl '{base}/Evidence?_count=3&_pretty=true'\n", soft_wrap=True)

    _guarded(lambda: asyncio.run(can_open()))  # here the reason can be told; a worker would only fail again and again
    _guarded(lambda: run_server(settings, ready))


@app.command()
def load(paths: Files, store: StoreFlag = None, mongo_transactions: MongoFlag = None) -> None:
    """Load Bundles and resources into a store; to load the same again changes nothing."""
    settings = _settings(store=store, mongo_transactions=mongo_transactions)

    async def work() -> Loaded:
        async with open_engine(settings) as engine:
            files = read_resources(paths)
            with _progress() as progress:
                task = progress.add_task("Loading", total=len(files))
                return await load_paths(engine, files, lambda: progress.advance(task))

    loaded: Loaded = _guarded(lambda: asyncio.run(work()))
    out.print(
        f"{loaded.files} files: {loaded.created} resources created, {loaded.updated} updated, "
        f"{loaded.unchanged} unchanged, {loaded.deleted} deleted."
    )


@app.command()
def reindex(store: StoreFlag = None, mongo_transactions: MongoFlag = None) -> None:
    """Add the index rows of every search parameter to everything in a store; nothing else changes."""
    settings = _settings(store=store, mongo_transactions=mongo_transactions)

    async def work() -> Whole:
        async with open_engine(settings) as engine:
            whole = Whole(engine.bases)
            with _progress() as progress:
                task = progress.add_task("Indexing", total=None)
                await index_whole(
                    engine.parameters, whole, lambda: progress.update(task, completed=whole.done, total=whole.total)
                )
            return whole

    whole: Whole = _guarded(lambda: asyncio.run(work()))
    out.print(f"Versions of resources that are indexed: {whole.done}.")


@app.command()
def validate(paths: Files) -> None:
    """Check resources and print every problem with its place; exit code 1 where there is an error."""
    files = _guarded(lambda: read_resources(paths))
    problems = 0
    for file in files:
        try:
            issues: list[Issue] = list(check(file.document().data))
        except RegistryError as error:
            issues = list(error.issues)
        errors = sum(issue.severity in ("error", "fatal") for issue in issues)
        problems += errors
        verdict = "[red]not valid[/red]" if errors else "[green]valid[/green]"
        out.print(f"{escape(str(file.path))}: {verdict}", soft_wrap=True)
        for issue in issues:
            _print_issue(out, issue)
    out.print(f"{len(files)} files, {problems} errors.")
    if problems:
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    out.print(distribution_version("trial-registry"))


def main() -> None:
    """Run the command line."""
    app()


def _settings(**flags: Any) -> Settings:  # noqa: ANN401  # flags of any type
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as problem:
        for each in problem.errors():
            name = "_".join(map(str, each["loc"]))
            flag = name.replace("_", "-")
            err.print(f"[red]--{flag}[/red] (TRIAL_REGISTRY_{name.upper()}): {escape(each['msg'])}", soft_wrap=True)
        raise typer.Exit(2) from None


def _guarded(work: Any) -> Any:  # noqa: ANN401  # whatever the work returns
    try:
        return work()
    except RegistryError as error:
        _fail(error.issues)
    except OSError as error:
        _fail((Issue("fatal", "exception", str(error)),))


def _fail(issues: tuple[Issue, ...]) -> NoReturn:
    for issue in issues:
        _print_issue(err, issue)
    raise typer.Exit(1)


def _print_issue(console: Console, issue: Issue) -> None:
    colour = "red" if issue.severity in ("error", "fatal") else "yellow"
    where = f" {escape(', '.join(issue.expression))}:" if issue.expression else ""
    console.print(f"  [{colour}]{issue.severity}[/{colour}]{where} {escape(issue.diagnostics)}", soft_wrap=True)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, disable=os.environ.get("CI") == "true" or not err.is_terminal)


if __name__ == "__main__":
    main()
