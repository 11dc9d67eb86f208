"""Rows that sum up the others, as one called mean below a list of photos: they are no photos, and are left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from har_core.imports.contents import share_like
from har_core.imports.headers import FILE, PHOTO, plain
from har_core.imports.tables import Chunk, Table, shown, texts_of

_WORDS = (
    "mean|average|avg|total|totals|sub-?total|sum|all|overall|summary|median|std|stdev|count|min|max|accuracy|acc|error rate|precision|"
    "recall|f1|f1[ -]score|result|results|"
    "mittelwert|durchschnitt|summe|gesamt|gesamtsumme|gesamtergebnis|ergebnis|insgesamt|moyenne|somme|promedio|media|suma|totale|somma|"
    "totaal|gemiddelde|summa|medel|yhteensä|keskiarvo|razem|średnia|łącznie|celkem|průměr|összesen|átlag|toplam|ortalama|"
    "итого|итог|всего|среднее|общий итог|разом|σύνολο|合計|平均|総計|合计|总计|总和|平均值|總計|합계|평균|총계"
)
_MANY = "grand|macro|micro|weighted|top-?[15]|of"
_AFTER = "photos|images|files|rows|accuracy|acc|score|avg|average|general|général|générale|końcowa"
_SUMMARY = (
    rf"(?i)^[*# ]*(?:(?:{_MANY})[ _-])?(?:{_WORDS})(?:[ _-](?:{_AFTER}))?"
    r"(?:[:=.]?[*# ]*|[:=] *[0-9.,]+ ?%?|%)$"
    r"|^(?:total|totals|sum|mean|average|avg|overall) \([0-9]+\)$"
    r"|^.*\S (?:sub)?totals?$|^(?:25|50|75) ?%$"
)
"""'mean', 'Grand total', 'Average:', 'Accuracy: 0.5', 'total (4)', 'cat Total' as spreadsheets write it, '25%' as pandas' describe()
does.  A number behind the word alone is that of a photo, as in ALL_1."""

_PHOTO = re.compile(r"(?is).+\.[a-z][a-z0-9]{1,4}")
_NUMBERED = re.compile(r"(?s).*\d.*")
_MOST = 0.95
_TOLD = 3


def without_summaries(table: Table) -> Table:
    """The same table without rows that are called as summaries are, where nearly all others are called as photos are.

    They have the suffixes of photos or, in a column that is called like one of files, any suffix or numbers.  `Table.summaries` names
    what was left out.
    """
    name = _photos(table)
    if name is None:
        return table
    guarded, found = table.guarded, table.summaries

    def kept(chunk: Chunk) -> Chunk:
        texts = texts_of(chunk[name], guarded=guarded)
        is_summary = pc.match_substring_regex(texts, _SUMMARY)
        if not pc.any(is_summary).as_py():
            return chunk
        found.update(dict.fromkeys(texts.filter(is_summary).to_pylist()))
        mask = pc.invert(is_summary)
        return {column: values.filter(mask) for column, values in chunk.items()}

    def read(texts: Collection[str], numbers: Collection[str]) -> Iterator[Chunk]:
        wanted = dict.fromkeys([*texts, *numbers])
        for chunk in table.read(texts if name in wanted else [*texts, name], numbers):
            rest = kept(chunk)
            if len(rest[name]):
                yield {column: rest[column] for column in wanted}

    return replace(table, head=kept(table.head), read=read)


def summaries_note(table: Table) -> list[str]:
    """A note on what was left out of the rows that were read; none if that is nothing."""
    names = [shown(one) for one in table.summaries]
    more = ", …" if len(names) > _TOLD else ""
    return [f"rows that sum up the others, left out: {', '.join(names[:_TOLD])}{more}"] if names else []


def _photos(table: Table) -> str | None:
    """The column whose first cells, but for summaries, are nearly all names of photos."""
    others: dict[str, pa.Array] = {}
    for name, values in table.head.items():
        kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
        if pa.types.is_string(kind):
            texts = texts_of(values, guarded=table.guarded)
            others[name] = texts.filter(pc.invert(pc.match_substring_regex(texts, _SUMMARY)))
    files = [name for name in others if plain(name) in FILE]
    for name in files or others:
        for pattern in (_PHOTO, _NUMBERED) if files else (PHOTO,):
            if len(others[name]) > 1 and share_like(others[name], pattern) >= _MOST:
                return name
    return None
