"""Verdicts in a PostgreSQL database, where several copies of the app share them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from har_core.errors import ConfigError, RunError
from har_core.runs.verdicts import CREATE, Execute, Verdicts

URL_PREFIXES = ("postgresql://", "postgres://")
_PATIENCE = 10  # seconds until a server that does not answer is given up
_LOCK = 4_726_199  # of all who make tables at once, which PostgreSQL does not do by itself


class SharedVerdicts(Verdicts):
    """As `Verdicts`; each run has a schema of its own, with the tables of the SQLite file in it.

    Args:
        url: of the database: postgresql://USER:PASSWORD@HOST/NAME.  Its words never go into an error.
        run: tells the run apart from all others.

    Raises:
        ConfigError: if the URL is none, or the package for PostgreSQL is missing.
    """

    def __init__(self, url: str, run: str) -> None:
        if not url.startswith(URL_PREFIXES):
            raise ConfigError(
                "expected the URL of a PostgreSQL database, postgresql://…, found another; check HAR_VERDICTS"
            )
        try:
            import psycopg  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                'expected the package psycopg for verdicts in PostgreSQL, found none; pip install "psycopg[binary]"'
            ) from error
        super().__init__(Path(run))
        plain = re.sub(r"[^a-z0-9_]", "_", run.lower())[:40]
        self._url, self._schema = (
            url,
            f"har_{plain}_{hashlib.sha256(run.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}",
        )
        self._made = False

    def _is_there(self) -> bool:
        return True

    def _make_place(self) -> None:
        """The tables are made with the first transaction."""

    def _transaction(self) -> AbstractContextManager[Execute]:
        return self._postgres()

    @contextmanager
    def _postgres(self) -> Iterator[Execute]:
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(self._url, connect_timeout=_PATIENCE) as connection:
                schema = sql.Identifier(self._schema)
                if not self._made:
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
                connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(schema))
                if not self._made:
                    for statement in CREATE:
                        connection.execute(statement)
                    connection.commit()
                    self._made = True
                    connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(schema))

                def execute(statement: str, parameters: Sequence[str]) -> Iterable[tuple[str, ...]]:
                    texts = [text.replace("\0", "") for text in parameters]  # which PostgreSQL does not take
                    cursor = connection.execute(statement.replace("?", "%s"), texts)
                    return cursor.fetchall() if cursor.description is not None else ()

                yield execute
        except (psycopg.Error, UnicodeEncodeError) as error:
            reason = str(getattr(error, "sqlstate", None) or type(error).__name__)
            raise RunError(
                f"expected a PostgreSQL database that keeps verdicts, found none that answers ({reason}); the verdict was not kept, "
                "try again, or tell who runs the app"
            ) from error
