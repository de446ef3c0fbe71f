"""The command ``trial-registry``: a few lines a command, all work elsewhere."""

from __future__ import annotations

import asyncio
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from service.bulk.job import State
from service.bulk.report import Report as ImportReport
from service.bulk.source import PLAIN, find_files
from service.bulking import Sources, build_request, export_to, told
from service.compose import open_engine
from service.errors import Issue, RegistryError
from service.fhir.subset import unknown_types
from service.files import Loaded, load_paths, read_resources
from service.flags import (
    CacheFlag,
    CtgovFlag,
    Files,
    Json,
    MongoFlag,
    Packages,
    Profiles,
    StoreFlag,
    Types,
    UnknownFlag,
    flag,
)
from service.importing import Summary, Wanted, import_all, writing_report
from service.interactions.definitions import Whole
from service.operations.ctgov_api import Client
from service.operations.indexer import index_whole
from service.operations.table_import import Imported
from service.reporting import Report, print_issue, progress_on
from service.rules import build_policy, open_library
from service.search.query import Query
from service.serving import run_server
from service.settings import Settings
from service.store.base import instant_text
from service.tabling import STANDARD, read_table, write_table
from service.terminology.service import TerminologyService
from service.validating import Inspector, sizes

app = typer.Typer(
    help="A clinical-trial registry whose results are data, as a FHIR R5 server.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@app.command()
def serve(
    store: StoreFlag = None,
    host: Annotated[str | None, flag("host")] = None,
    port: Annotated[int | None, flag("port")] = None,
    workers: Annotated[int | None, flag("workers")] = None,
    base_path: Annotated[str | None, flag("base_path")] = None,
    base_url: Annotated[str | None, flag("base_url")] = None,
    handling: Annotated[str | None, flag("handling")] = None,
    page_size: Annotated[int | None, flag("page_size")] = None,
    max_page_size: Annotated[int | None, flag("max_page_size")] = None,
    max_body_size: Annotated[int | None, flag("max_body_size")] = None,
    max_resource_size: Annotated[int | None, flag("max_resource_size")] = None,
    history_bundles: Annotated[str | None, flag("history_bundles")] = None,
    conditional_delete_limit: Annotated[int | None, flag("conditional_delete_limit")] = None,
    validation: Annotated[str | None, flag("validation")] = None,
    required_profiles: Annotated[str | None, flag("required_profiles")] = None,
    unknown_profile: UnknownFlag = None,
    packages: Annotated[str | None, flag("packages")] = None,
    package_cache: CacheFlag = None,
    mongo_transactions: MongoFlag = None,
    terminology_server: Annotated[str | None, flag("terminology_server")] = None,
    ctgov_url: CtgovFlag = None,
    export_dir: Annotated[str | None, flag("export_dir")] = None,
    import_dir: Annotated[str | None, flag("import_dir")] = None,
    import_from: Annotated[str | None, flag("import_from")] = None,
    max_import_size: Annotated[int | None, flag("max_import_size")] = None,
    job_hours: Annotated[float | None, flag("job_hours")] = None,
    log_level: Annotated[str | None, flag("log_level")] = None,
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
def import_ctgov(
    sources: Annotated[
        list[str], typer.Argument(help="Files of records (JSON, NDJSON, pages of a search), folders, or NCT numbers.")
    ],
    fetch: Annotated[bool, typer.Option("--fetch", help="Ask ClinicalTrials.gov for the NCT numbers.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write what became of each record into this file, as JSON, one a line.")
    ] = None,
    ctgov_url: CtgovFlag = None,
    store: StoreFlag = None,
    mongo_transactions: MongoFlag = None,
) -> None:
    """Import records of ClinicalTrials.gov; exit code 1 where one was refused."""
    settings = _settings(store=store, mongo_transactions=mongo_transactions, ctgov_url=ctgov_url)

    async def work() -> Summary:
        wanted = Wanted.of(sources, fetch=fetch)
        async with open_engine(settings) as engine, Client(settings.ctgov_url) as client:
            with _progress() as progress, writing_report(report) as write:
                task = progress.add_task("Importing", total=wanted.number)
                return await import_all(engine, wanted, client, write, lambda: progress.advance(task))

    summary: Summary = _guarded(lambda: asyncio.run(work()))
    for issue in summary.issues:
        print_issue(err, issue)
    out.print(str(summary), soft_wrap=True)
    if summary.refused:
        raise typer.Exit(1)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder, or one with an export that was interrupted.")],
    store: StoreFlag = None,
    type_: Types = None,
    since: Annotated[str | None, typer.Option(help="Only what was written at this instant or later.")] = None,
    history: Annotated[bool, typer.Option("--history", help="All versions and deletions, as history Bundles.")] = False,
    gzip: Annotated[bool, typer.Option("--gzip", help="Packed files.")] = False,
    mongo_transactions: MongoFlag = None,
) -> None:
    """Write everything as NDJSON, as it is now; the same command goes on where it was interrupted."""
    settings = _settings(store=store, mongo_transactions=mongo_transactions)

    async def work() -> State:
        request = build_request(type_ or (), since, history=history, gzip=gzip)
        async with open_engine(settings) as engine:
            with _progress() as progress:
                task = progress.add_task("Exporting", total=None)
                return await export_to(
                    engine, folder, request, lambda now: progress.update(task, completed=now.written, total=now.total)
                )

    state: State = _guarded(lambda: asyncio.run(work()))
    what = "versions" if history else "resources"
    out.print(f"{state.written} {what} in {len(state.files)} files, as of {instant_text(state.instant)}.")


@app.command("import")
def import_(
    paths: Annotated[
        list[str],
        typer.Argument(help="An export's folder; or NDJSON and JSON files, packed or not, folders of them, or -."),
    ],
    store: StoreFlag = None,
    validation: Annotated[str | None, flag("validation")] = None,
    as_new: Annotated[
        bool, typer.Option("--as-new", help="Write an export's resources as new versions, of today.")
    ] = False,
    outcomes: Annotated[
        Path | None, typer.Option(help="Write the OperationOutcomes of refused lines here, one a line.")
    ] = None,
    mongo_transactions: MongoFlag = None,
) -> None:
    """Read resources into a store; a whole export keeps ids, versions and instants. Exit code 1: a line was refused."""
    settings = _settings(store=store, validation=validation, mongo_transactions=mongo_transactions)

    async def work() -> ImportReport:
        sources = Sources(paths, ordinary=as_new)
        async with open_engine(settings) as engine:
            with _progress(bytes_=True) as progress, told(outcomes, err) as tell:
                task = progress.add_task("Importing", total=sources.size)
                report = ImportReport(tell, lambda size: progress.advance(task, size))
                await sources.read_into(engine, report)
                return report

    report: ImportReport = _guarded(lambda: asyncio.run(work()))
    out.print(", ".join(f"{number} {name}" for name, number in report.counts.items()) + ".")
    if report.refused:
        raise typer.Exit(1)


@app.command()
def table(
    studies: Annotated[
        list[str] | None, typer.Argument(help="Ids or identifiers of studies, such as NCT numbers; without any, all.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A file that ends in .csv, .ndjson or .parquet.")
    ] = STANDARD,
    store: StoreFlag = None,
    mongo_transactions: MongoFlag = None,
) -> None:
    """Write results as a table with a row for each statistic; docs/tables.md says what its columns are."""
    settings = _settings(store=store, mongo_transactions=mongo_transactions)

    async def work() -> None:
        async with open_engine(settings) as engine:
            await write_table(engine, studies or (), output)

    _guarded(lambda: asyncio.run(work()))


@app.command()
def import_table(
    file: Annotated[Path, typer.Argument(help="A table in CSV, or - for the standard input.")],
    study: Annotated[str | None, typer.Option(help="The study of the rows that do not name theirs.")] = None,
    store: StoreFlag = None,
    mongo_transactions: MongoFlag = None,
) -> None:
    """Read a table of results into a store, all of it or nothing; every problem is told with its row and column."""
    settings = _settings(store=store, mongo_transactions=mongo_transactions)

    async def work() -> Imported:
        async with open_engine(settings) as engine:
            return await read_table(engine, file, study)

    imported: Imported = _guarded(lambda: asyncio.run(work()))
    for issue in imported.notes:
        print_issue(err, issue)
    out.print(str(imported), soft_wrap=True)


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
def validate(
    paths: Annotated[
        list[str], typer.Argument(help="Files of JSON or NDJSON, folders of them, or - for the standard input.")
    ],
    profile: Profiles = None,
    package: Packages = None,
    package_cache: CacheFlag = None,
    unknown_profile: UnknownFlag = None,
    json: Json = False,
) -> None:
    """Check resources and print every problem with its place; exit code 1 where there is an error."""
    settings = _settings(unknown_profile=unknown_profile, packages=package or None, package_cache=package_cache)
    report = Report(out, err, as_json=json)

    def work() -> None:
        library = open_library(settings.packages, settings.package_cache)
        inspector = Inspector(build_policy(settings, library, TerminologyService(library)), profile or ())
        files = find_files(paths, PLAIN)
        with _progress(bytes_=True) as progress:
            task = progress.add_task("Validating", total=sizes(files))
            for checked in (each for file in files for each in inspector.file(file)):
                report.add(checked)
                progress.advance(task, checked.size)

    _guarded(work)
    report.end("files")
    if report.summary.errors:
        raise typer.Exit(1)


@app.command()
def revalidate(
    store: StoreFlag = None,
    type_: Types = None,
    profile: Profiles = None,
    package: Packages = None,
    package_cache: CacheFlag = None,
    unknown_profile: UnknownFlag = None,
    json: Json = False,
    mongo_transactions: MongoFlag = None,
) -> None:
    """Check everything in a store by today's rules, and change nothing; exit code 1 where there is an error."""
    settings = _settings(
        store=store,
        unknown_profile=unknown_profile,
        packages=package or None,
        package_cache=package_cache,
        mongo_transactions=mongo_transactions,
    )
    report = Report(out, err, as_json=json)
    types = tuple(type_ or ())
    if unknown := unknown_types(types, "--type"):
        raise typer.BadParameter(unknown[0].diagnostics, param_hint="--type")

    async def work() -> None:
        async with open_engine(settings) as engine:
            inspector = Inspector(engine.policy, profile or ())
            head = (await engine.store.head()).seq
            with _progress() as progress:
                total = await engine.store.count(Query(types), head)
                task = progress.add_task("Validating", total=total)
                async for checked in inspector.store(engine.store, types, head):
                    report.add(checked)
                    progress.advance(task)

    _guarded(lambda: asyncio.run(work()))
    report.end("versions", rules=True)
    if report.summary.errors:
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
        print_issue(err, issue)
    raise typer.Exit(1)


def _progress(*, bytes_: bool = False) -> Progress:
    return progress_on(err, out, bytes_=bytes_)


if __name__ == "__main__":
    main()
