"""Tables that cannot be used, by what is wrong: how each is made, what its error says, how it is read."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from har_core.imports.columns import Chosen
from tests.imports.making import CSV, Make, frame, text

HEADER = "filename,true,p:blue,p:red\n"
LABELS = "filename,true,pred\n"
FILES = [f"{number}.jpg" for number in range(4)]
LOGITS = np.array([[1.0, -2], [3, 1], [-1, 2], [0, 0.5]])


def cut(make: Make, keep: float) -> Make:
    """What is left of a file whose copying was stopped."""

    def made(folder: Path) -> Path:
        path = make(folder)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
        return path

    return made


def sparse(start: bytes, size: int) -> Make:
    """A file of that many bytes, of which the disk holds the first."""

    def made(folder: Path) -> Path:
        path = text(start)(folder)
        os.truncate(path, size)
        return path

    return made


def npz(**arrays: Any) -> Make:
    def made(folder: Path) -> Path:
        np.savez(folder / "table.npz", **arrays)
        return folder / "table.npz"

    return made


def pickled(folder: Path) -> Path:
    """An object array whose unpickling would leave a trace."""
    (folder / "table.npz").write_bytes(_npz_of(np.array([Trace(folder)] * 4, dtype=object)))
    return folder / "table.npz"


class Trace:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.folder / "unpickled"),)


def _npz_of(labels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, filenames=np.array(FILES), labels=labels)
    return buffer.getvalue()


def lying_npz(folder: Path) -> Path:
    """A header of a petabyte over sixteen bytes."""
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "<f8", "fortran_order": False, "shape": (10**14,)})
    with zipfile.ZipFile(folder / "table.npz", "w") as archive:
        archive.writestr("labels.npy", array.getvalue() + bytes(16))
    return folder / "table.npz"


def bomb(folder: Path) -> Path:
    """A few kilobytes of Parquet that unpack to a hundred megabytes of one text."""
    values = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, np.int32)), pa.array(["x" * 5000]))
    table = pa.table({"filename": values.dictionary_decode(), "true": pa.array(["a"] * 20_000), "pred": ["a"] * 20_000})
    pq.write_table(table, folder / "t.parquet", compression="zstd", use_dictionary=False)
    return folder / "t.parquet"


def many_rows(folder: Path) -> Path:
    zeros = pa.array(np.zeros(10**7 + 1, np.int8))
    pq.write_table(
        pa.table({"filename": zeros, "true": zeros, "pred": zeros}), folder / "t.parquet", compression="zstd"
    )
    return folder / "t.parquet"


def nested(depth: int) -> Make:
    return text('{"file": ' + '{"a": ' * depth + "1" + "}" * depth + "}\n", "t.jsonl")


def rows(*lines: str, header: str = HEADER) -> Make:
    return text(header + "".join(f"{line}\n" for line in lines))


Case = tuple[Make, str, dict[str, Any]]
BROKEN: dict[str, Case] = {
    "no file": (lambda folder: folder / "none.csv", "cannot be read", {}),
    "empty file": (text(""), "empty", {}),
    "blank lines": (text("\n\n \n"), "blank", {}),
    "only a header": (text(HEADER), "rows", {}),
    "one column": (text("filename\na.jpg\n"), "one column", {}),
    "no file column": (text("x,true,pred\n1,a,b\n2,b,b\n"), "--file", {}),
    "no true label": (text("filename,pred,conf\n1.jpg,a,0.9\n2.jpg,b,0.8\n"), "--true", {}),
    "no prediction": (text("filename,true\n1.jpg,a\n2.jpg,b\n"), "--predicted", {}),
    "two columns of files": (text("image,path,true,pred\na,b,x,y\n"), "--file", {}),
    "two predicted labels": (text("filename,true,pred,y_pred\na.jpg,b,x,y\n"), "--predicted", {}),
    "a column that is not there": (text(CSV), "--true", {"chosen": Chosen(true="truth")}),
    "a column named twice": (text(CSV), "twice", {"chosen": Chosen(true="true", predicted="true")}),
    "NaN": (rows("a.jpg,blue,nan,0.5", "b.jpg,red,0.5,0.5"), "a.jpg", {}),
    "most predictions are missing": (rows("a.jpg,blue,nan,nan", "b.jpg,red,,", "c.jpg,red,0.5,0.5"), "2 of 3", {}),
    "most predicted labels are missing": (rows("1.jpg,a,", "2.jpg,b,None", "3.jpg,b,b", header=LABELS), "2 of 3", {}),
    "an empty cell": (rows("a.jpg,blue,0.9,0.1", "b.jpg,red,,0.5"), "b.jpg", {}),
    "infinity": (rows("a.jpg,blue,0.9,0.1", "b.jpg,red,inf,0.5"), "b.jpg", {}),
    "infinite logits": (rows("a.jpg,blue,9,-1", "b.jpg,red,inf,5"), "b.jpg", {}),
    "logits of nothing": (rows("a.jpg,blue,9,-1", "b.jpg,red,-inf,-inf"), "b.jpg", {}),
    "an infinite probability": (rows("a.jpg,blue,0.9,0.1", "b.jpg,red,-inf,1", "c.jpg,red,0,1"), "b.jpg", {}),
    "duplicate files": (rows("a.jpg,blue,0.9,0.1", "a.jpg,red,0.5,0.5"), "a.jpg", {}),
    "duplicate files in other spellings": (rows("./a/b.jpg,blue,0.9,0.1", r"a\b.jpg,red,0.5,0.5"), "a/b.jpg", {}),
    "unknown labels": (rows("a.jpg,blue,0.9,0.1", "b.jpg,green,0.5,0.5"), "green", {}),
    "unknown labels alone": (rows("a.jpg,x,0.9,0.1", "b.jpg,y,0.5,0.5"), "none", {"unknown": "skip"}),
    "no label": (rows("a.jpg,blue,0.9,0.1", "b.jpg,,0.5,0.5", "c.jpg,,0.5,0.5"), "no label", {"unknown": "error"}),
    "no label anywhere": (rows("a.jpg,,0.9,0.1", "b.jpg,,0.5,0.5"), "--true", {"unknown": "skip"}),
    "no file name": (rows(",blue,0.9,0.1", "b.jpg,red,0.5,0.5"), "row 1", {}),
    "mixed separators": (text("filename,true,pred\na.jpg;a;b\nb.jpg;a;b\n"), "separator", {}),
    "too short a row": (rows("a.jpg,blue,0.9,0.1", "b.jpg,red,0.5"), "row 2", {}),
    "too long a row": (rows("a.jpg,blue,0.9,0.1", "b.jpg,red,0.5,0.5,0"), "row 2", {}),
    "too long a row, far below": (rows(*(f"{n}.jpg,red,0,1" for n in range(3000)), "a.jpg,red,0,1,7"), "row 3,001", {}),
    "text among numbers": (rows("a.jpg,blue,0.9,0.1", "b.jpg,red,0,1", "c.jpg,red,half,0.5"), "half", {}),
    "text among numbers, far below": (rows(*(f"{n}.jpg,red,0,1" for n in range(3000)), "a.jpg,red,x,1"), "'x'", {}),
    "latin-1, far below": (text(CSV.encode() + b"x.jpg,red,0,1\n" * 400_000 + b"\xe4.jpg,red,0,1\n"), "", {}),
    "NUL bytes": (text(CSV.replace("a.jpg", "a\0.jpg")), "NUL", {}),
    "a binary file": (text(bytes(range(256)) * 20), "UTF-8", {}),
    "an Excel file": (text(b"\xd0\xcf\x11\xe0" + bytes(600), "t.xls"), "Excel", {}),
    "a zip": (text(b"PK\x03\x04" + bytes(60), "t.xlsx"), "not a zip", {}),
    "a gzip": (text(b"\x1f\x8b\x08" + bytes(60), "t.csv.gz"), "packed", {}),
    "two columns of one name": (text("filename,true,p:a,p:a\na.jpg,a,1,0\n"), "p:a", {}),
    "two columns of one class": (text("filename,true,p:a,p:b,p:A\na.jpg,a,1,0,0\n"), "differ", {}),
    "an open quotation mark": (text(CSV + '"d.jpg,red,0.5,0.5\n'), "", {}),
    "an open quotation mark in a large file": (text(CSV + '"d.jpg,red,0.5,0.5\n' + "x.jpg,red,0,1\n" * 10**6), "", {}),
    "no sum of one": (rows("a.jpg,blue,0.9,0.1", "b.jpg,red,0.5,0.5", "c.jpg,red,0.5,0.3"), "c.jpg", {}),
    "no sum of one anywhere": (rows("a.jpg,blue,0.9,0.4", "b.jpg,red,0.5,0.9"), "a.jpg", {}),
    "negative": (rows("a.jpg,blue,0.9,0.1", "b.jpg,red,0.5,0.5", "c.jpg,red,-0.5,1.5"), "c.jpg", {}),
    "logits that are said to be probabilities": (rows("a.jpg,blue,3,-1"), "logits", {"scores": "probabilities"}),
    "percentages mixed with shares": (rows("a.jpg,blue,90,10", "b.jpg,red,0.5,0.5"), "--scores", {}),
    "columns of logits that are probabilities": (text("file,true,logit_a,logit_b\n1.jpg,a,0.5,0.5\n"), "--scores", {}),
    "one class": (text("filename,true,p:a,other\nx.jpg,a,1,0\n"), "", {}),
    "one class of labels": (rows("1.jpg,a,a", "2.jpg,a,a", header=LABELS), "two or more", {}),
    "too many classes": (frame({"file": [f"{n}.jpg" for n in range(1001)], "true": range(1001), "pred": range(1001)}), "1,000", {}),
    "file names as labels": (frame({"file": [f"{n}.jpg" for n in range(11_000)], "true": [f"x{n}" for n in range(11_000)], "pred": ["x"] * 11_000}), "classes", {}),
    "a label with a control character": (rows("1.jpg,a\x07b,c", "2.jpg,c,c", header=LABELS), "printable", {}),
    "a very long name": (rows("x" * 5000 + ".jpg,a,b", "2.jpg,b,b", header=LABELS), "4,096", {}),
    "a very long label": (rows("1.jpg," + "x" * 200 + ",b", "2.jpg,b,b", header=LABELS), "printable", {}),
    "labels of one column that differ in case alone": (text("filename,true,predicted\na.jpg,a,a\nb.jpg,A,b\n"), "differ", {}),
    "labels that differ in case alone, by column": (text("filename,true,p:Ab,p:a_b\na.jpg,Ab,1,0\n"), "differ", {}),
    "numbers as labels beside named columns": (rows("a.jpg,0,0.9,0.1", "b.jpg,1,0.5,0.5"), "'0'", {}),
    "a number beyond the classes": (rows("a.jpg,0,0.9,0.1", "b.jpg,2,0.5,0.5"), "from 0 to 1", {"classes": ("blue", "red")}),
    "numbered columns": (text("filename,true,prob_0,prob_1\na.jpg,x,0.9,0.1\n"), "--classes", {}),
    "numbered columns with a gap": (text("f,filename,true,p_0,p_2\n1,a.jpg,x,0.9,0.1\n"), "gap", {"classes": ("x", "y")}),
    "fewer classes than columns": (text("filename,true,p_0,p_1,p_2\na.jpg,x,0.9,0.1,0\n"), "3", {"classes": ("x", "y")}),
    "a class without a column": (text(CSV), "green", {"classes": ("blue", "red", "green")}),
    "a predicted label that is no class": (text("filename,true,pred,p:a,p:b\n1.jpg,a,z,1,0\n"), "'z'", {}),
    "another class is more probable": (text("filename,true,pred,p:a,p:b\n1.jpg,a,a,1,0\n2.jpg,a,b,0.9,0.1\n"), "row 2", {}),
    "too low a confidence": (text("filename,true,pred,conf\n1.jpg,a,b,0.3\n2.jpg,b,a,0.9\n"), "--no-confidence", {}),
    "a confidence above one hundred": (text("filename,true,pred,conf\n1.jpg,a,b,300\n2.jpg,b,a,0.9\n"), "300", {}),
    "a negative confidence": (text("filename,true,pred,conf\n1.jpg,a,b,-2\n2.jpg,b,a,0.9\n"), "-2", {}),
    "no confidence": (text("filename,true,pred,conf\n1.jpg,a,b,\n2.jpg,b,a,0.9\n"), "no confidence", {}),
    "confidences as logits": (text("filename,true,pred,conf\n1.jpg,a,b,3\n2.jpg,b,a,1\n"), "logit", {"scores": "logits"}),
    "a rank without its probability": (text("file,true,top1,top1_prob,top2,top2_prob,top3\n1.jpg,a,a,0.5,b,0.5,c\n"), "top3", {}),
    "a class twice in a row": (text("file,true,top1,top1_prob,top2,top2_prob\n1.jpg,a,a,0.5,a,0.3\n2.jpg,b,b,1,a,0\n"), "twice", {}),
    "ranks of more than one": (text("file,true,top1,top1_prob,top2,top2_prob\n1.jpg,a,a,0.9,b,0.3\n2.jpg,c,c,1,a,0\n"), "1 at most", {}),
    "truncated Parquet": (cut(frame({"file": FILES, "true": list("abab"), "pred": list("aabb")}, "t.parquet"), 0.6), "damaged", {}),
    "Parquet without rows": (frame({"file": [], "true": [], "pred": []}, "t.parquet"), "rows", {}),
    "a Parquet bomb": (bomb, "unpacks", {}),
    "too many rows": (many_rows, "10,000,000", {}),
    "truncated NPZ": (cut(npz(labels=np.arange(4), filenames=np.array(FILES)), 0.7), "not a zip", {}),
    "pickled NPZ": (pickled, "pickled", {}),
    "a lying NPZ": (lying_npz, "shape", {}),
    "NPZ of several lengths": (npz(filenames=np.array(FILES), labels=np.arange(3), pred=np.arange(4)), "one length", {}),
    "NPZ of probabilities that do not sum to 1": (npz(labels=np.arange(4), pred_probs=LOGITS), "sum to 1", {"classes": ("a", "b")}),
    "an empty zip": (lambda folder: _empty_zip(folder), "", {}),
    "truncated JSON": (cut(text(json.dumps([{"file": name, "true": "a", "pred": "b"} for name in FILES]), "t.json"), 0.5), "JSON", {}),
    "truncated JSON lines": (text('{"file": "1.jpg", "true": "a", "pred": "b"}\n{"file": "2.j\n', "t.jsonl"), "line 2", {}),
    "a number among JSON lines": (text('{"file": "1.jpg", "true": "a", "pred": "b"}\n7\n', "t.jsonl"), "line 2", {}),
    "nested JSON": (nested(100_000), "JSON", {}),
    "nested JSON lists": (text("[" * 100_000 + "]" * 100_000, "t.json"), "JSON", {}),
    "JSON with other things": (text('{\n"model": "x", "epochs": 3}', "t.json"), "model", {}),
    "FiftyOne without labels": (text('{"classes": ["a", "b"], "labels": {"1": 0, "2": 1}}', "labels.json"), "--true", {}),
    "FiftyOne with a label too many": (text('{"classes": ["a"], "labels": {"1": 3}}', "labels.json"), "0 to 0", {}),
    "cells of several lengths": (frame({"file": FILES, "true": list("abab"), "probs": ["[0.1, 0.9]", "[1]"] * 2}), "row 2", {"classes": ("a", "b")}),
    "a word among percent signs": (
        rows(*(f"{n}.jpg,{'red' if n % 2 else 'blue'},red,{'90 %' if n < 1100 else 'much'}" for n in range(1101)), header="filename,true,pred,conf\n"),
        "much",
        {},
    ),
    "one endless line": (text(b"x" * 5 * 2**20), "1 MB", {}),
    "a header of 10 GB": (sparse(b"filename,true,", 10 * 2**30), "", {}),
    "one endless line below": (text(CSV + "y" * (5 * 2**20)), "1 MB", {}),
    "an endless line far below": (text(CSV.encode() + b"x.jpg,red,0,1\n" * 2000 + b"y" * (20 * 2**20)), "1 MB", {}),
    "an endless JSON line": (text('{"file": "' + "y" * (2 * 2**20) + '"}', "t.jsonl"), "", {}),
    "too many columns": (text("filename,true," + ",".join(f"p{n}" for n in range(10_001)) + "\n"), "10,000", {}),
    "a folder without a table": (lambda folder: folder, "metadata.csv", {}),
}  # fmt: skip


def _empty_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "t.npz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    return folder / "t.npz"
