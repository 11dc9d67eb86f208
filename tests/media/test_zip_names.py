"""Names of zips packed on systems that do not write UTF-8, or do not say so."""

from __future__ import annotations

import io
import struct
import unicodedata
import zipfile
import zlib

import pytest

from har_core.media.zip_names import entry_names


def zipped(names: list[bytes], *, flags: int = 0, extra: bytes = b"") -> list[zipfile.ZipInfo]:
    """The entries of a zip with empty files of these names, as bytes."""
    data = directory = b""
    for name in names:
        fixed = struct.pack("<HHHHHIIIHH", 20, flags, 0, 0, 33, 0, 0, 0, len(name), len(extra))
        place = len(data)
        data += b"PK\x03\x04" + fixed + name + extra
        directory += b"PK\x01\x02\x14\0" + fixed + struct.pack("<HHHII", 0, 0, 0, 0, place) + name + extra
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(names), len(names), len(directory), len(data), 0)
    with zipfile.ZipFile(io.BytesIO(data + directory + end)) as archive:
        return archive.infolist()


NAMES = {
    "cp932": [
        ["抱擁/1.jpg", "電話をかける/25.jpg", "表示/25.jpg"],
        ["表示/1.jpg"],
        ["ソート/1.jpg"],
        ["Tシャツ/写真A.jpg"],
        ["走/（１）.jpg"],
    ],
    "gbk": [
        ["拥抱/1.jpg", "打电话/255.jpg"],
        ["睡觉/1.jpg", "骑自行车/2.jpg"],
        ["微信图片_2020.jpg"],
        ["坐/1.jpg"],
        ["擁抱/1.jpg", "打電話/1.jpg"],
        ["跑步/1.jpg"],
        ["新建文件夹/屏幕截图.jpg"],
        ["听音乐/1.jpg", "使用电脑/1.jpg", "喝水/1.jpg"],
    ],
    "cp866": [["обнимать/1.jpg", "звонить/25.jpg"], ["Новая папка/Фото 1.jpg"], ["ёлка №1/1.jpg"], ["бег/1.jpg"]],
    "cp1251": [["обнимать/1.jpg", "звонить/25.jpg"], ["Новая папка/Фото 1.jpg"]],
    "cp850": [
        ["Größe/1.jpg", "Müller.jpg"],
        ["Übung/ä.jpg"],
        ["GRÖSSE.jpg"],
        ["São João/1.jpg"],
        ["été à la plage/é.jpg"],
        ["Øl/få.jpg"],
    ],
    "cp1252": [
        ["Größe/1.jpg", "Müller.jpg"],
        ["Übung/ä.jpg"],
        ["São João/1.jpg"],
        ["été à la plage/é.jpg"],
        ["Øl/få.jpg"],
        ["Málaga.jpg"],
        ["ábaco/1.jpg", "España/2.jpg"],
        ["leões.jpg"],
    ],
    "cp949": [
        ["포옹/1.jpg", "전화하기/25.jpg", "음악 듣기/1.jpg"],
        ["사진 1.jpg"],
        ["새 폴더/IMG_1.jpg"],
        ["달리기.jpg", "앉기/1.jpg", "춤/1.jpg", "웃음/1.jpg", "요리/1.jpg"],
    ],
    "big5": [
        ["擁抱/1.jpg", "打電話/25.jpg", "聽音樂/1.jpg"],
        ["照片.jpg"],
        ["新資料夾/圖片1.jpg"],
        ["睡覺/1.jpg"],
        ["喝水/1.jpg", "跳舞/1.jpg", "騎自行車/2.jpg", "使用電腦/1.jpg"],
    ],
    "utf-8": [["抱擁/1.jpg"], ["обнимать/1.jpg"], ["Größe/1.jpg"], ["\U0001f600.jpg"]],
}


@pytest.mark.parametrize(("encoding", "names"), [(page, names) for page, sets in NAMES.items() for names in sets])
def test_the_code_page_is_found_from_all_names(encoding: str, names: list[str]) -> None:
    ascii_names = ["labels.csv", "calling\\1.jpg"]
    found = entry_names(zipped([name.encode(encoding) for name in names] + [name.encode() for name in ascii_names]))
    assert found == [*names, "labels.csv", "calling/1.jpg"]


def test_what_the_zip_says_wins() -> None:
    """The flag, and Info-ZIP's extra field as long as it is that of the name beside it."""
    name = "表示/é.jpg"
    assert entry_names(zipped([unicodedata.normalize("NFD", name).encode()], flags=0x800)) == [name]
    raw = "обнимать/1.jpg".encode("cp866")
    for of, expected in ((raw, name), (b"another.jpg", "обнимать/1.jpg")):
        field = b"\1" + struct.pack("<I", zlib.crc32(of)) + name.encode()
        extra = b"UT\1\0\0" + struct.pack("<HH", 0x7075, len(field)) + field
        assert entry_names(zipped([raw], extra=extra)) == [expected]


def test_names_that_read_well_in_nothing_are_as_before() -> None:
    """Each is UTF-8 if it can be; of bytes that are noise, the format's own code page."""
    names = [b"a\x82\xff.jpg", "Größe.jpg".encode(), b"\xb0\xb1\xb2.jpg"]
    found = entry_names(zipped(names))
    assert found[1] == "Größe.jpg" and found[0] == names[0].decode("cp437")
    assert entry_names(zipped([b"", b"x\0y"])) == ["", "x"] and entry_names([]) == []


def test_two_western_code_pages_in_one_zip() -> None:
    names = ["hugging/Café 1.jpg".encode("cp850"), "calling/Müller.jpg".encode("cp1252")]
    assert entry_names(zipped(names)) == ["hugging/Café 1.jpg", "calling/Müller.jpg"]
