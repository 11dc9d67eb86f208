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
        ["犬/1.jpg", "猫/1.jpg", "鳥/1.jpg"],
        ["走る/1.jpg", "食べる/1.jpg", "ソ連/1.jpg"],
        ["走/（１）.jpg"],
    ],
    "gbk": [
        ["拥抱/1.jpg", "打电话/255.jpg"],
        ["睡觉/1.jpg", "骑自行车/2.jpg"],
        ["微信图片_2020.jpg"],
        ["坐/1.jpg"],
        ["擁抱/1.jpg", "打電話/1.jpg"],
        ["跑步/1.jpg"],
        ["狗/1.jpg", "猫/1.jpg", "鸟/1.jpg"],
        ["新建文件夹/屏幕截图.jpg"],
        ["听音乐/1.jpg", "使用电脑/1.jpg", "喝水/1.jpg"],
    ],
    "cp866": [
        ["обнимать/1.jpg", "звонить/25.jpg"],
        ["Новая папка/Фото 1.jpg"],
        ["ёлка №1/1.jpg"],
        ["бег/1.jpg"],
        ["БРАК/1.jpg", "НОРМА/1.jpg"],
        ["ДА/1.jpg", "НЕТ/1.jpg"],
    ],
    "cp1251": [
        ["обнимать/1.jpg", "звонить/25.jpg"],
        ["Новая папка/Фото 1.jpg"],
        ["БЕГ/1.jpg", "СОН/1.jpg", "ЕДА/1.jpg", "ТАНЦЫ/1.jpg"],
    ],
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
        ["laufen_schön/1.jpg", "été/1.jpg"],
        ["ábaco/1.jpg", "España/2.jpg"],
        ["leões.jpg"],
    ],
    "cp949": [
        ["개/1.jpg", "새/1.jpg", "소/1.jpg"],
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
        ["打電話/1.jpg", "騎腳踏車/1.jpg", "使用電腦/1.jpg"],
        ["狗/1.jpg", "貓/1.jpg", "鳥/1.jpg"],
    ],
    "cp437": [["Küche/1.jpg", "Straße/1.jpg", "Café/1.jpg"], ["kämpfen/1.jpg", "hören/1.jpg"]],
    "mac_roman": [["Küche/1.jpg", "Straße/1.jpg", "Café/1.jpg"], ["kämpfen/1.jpg", "hören/1.jpg"]],
    "koi8_r": [["кошка/1.jpg", "собака/1.jpg", "сова/1.jpg"], ["ест/1.jpg", "спит/1.jpg"]],
    "mac_cyrillic": [["звонит/1.jpg", "смеётся/1.jpg", "Слушает музыку/1.jpg"]],
    **{page: [["σκύλος/1.jpg", "γάτα/1.jpg"], ["πίνω/1.jpg", "τρώω/1.jpg"]] for page in ("cp737", "cp1253")},
    **{
        page: [["כלב/1.jpg", "חתול/1.jpg", "ציפור/1.jpg"], ["ריצה/1.jpg", "שינה/1.jpg"]] for page in ("cp862", "cp1255")
    },
    **{page: [["żółw/1.jpg", "łoś/1.jpg"], ["běh/1.jpg", "pití/1.jpg"], ["śpi/1.jpg"]] for page in ("cp852", "cp1250")},
    **{page: [["kuş/1.jpg", "balığı/1.jpg"], ["içme/1.jpg", "Koşma/1.jpg"]] for page in ("cp857", "cp1254")},
    **{
        page: [["الاستماع إلى الموسيقى/1.jpg", "رقص/1.jpg"], ["جري/1.jpg", "نوم/1.jpg"]] for page in ("cp720", "cp1256")
    },
    "cp874": [["หัวเราะ/1.jpg", "ฟังเพลง/1.jpg"], ["กิน/1.jpg", "นอน/1.jpg"]],
    "utf-8": [["抱擁/1.jpg"], ["обнимать/1.jpg"], ["Größe/1.jpg"], ["\U0001f600.jpg"]],
}


@pytest.mark.parametrize(("encoding", "names"), [(page, names) for page, sets in NAMES.items() for names in sets])
def test_the_code_page_is_found_from_all_names(encoding: str, names: list[str]) -> None:
    ascii_names = ["labels.csv", "calling\\1.jpg"]
    found = entry_names(zipped([name.encode(encoding) for name in names] + [name.encode() for name in ascii_names]))
    assert found.names == [*names, "labels.csv", "calling/1.jpg"]


def test_what_the_zip_says_wins() -> None:
    """The flag, and Info-ZIP's extra field as long as it is that of the name beside it."""
    name = "表示/é.jpg"
    assert entry_names(zipped([unicodedata.normalize("NFD", name).encode()], flags=0x800)).names == [name]
    raw = "обнимать/1.jpg".encode("cp866")
    for of, expected in ((raw, name), (b"another.jpg", "обнимать/1.jpg")):
        field = b"\1" + struct.pack("<I", zlib.crc32(of)) + name.encode()
        extra = b"UT\1\0\0" + struct.pack("<HH", 0x7075, len(field)) + field
        assert entry_names(zipped([raw], extra=extra)).names == [expected]


def test_names_that_read_well_in_nothing_are_as_before() -> None:
    """Each is UTF-8 if it can be; of bytes that are noise, the format's own code page."""
    names = [b"a\x82\xff.jpg", "Größe.jpg".encode(), b"\xb0\xb1\xb2.jpg"]
    found = entry_names(zipped(names)).names
    assert found[1] == "Größe.jpg" and found[0] == names[0].decode("cp437")
    assert entry_names(zipped([b"", b"x\0y"])).names == ["", "x"] and entry_names([]).names == []


def test_two_western_code_pages_in_one_zip() -> None:
    names = ["hugging/Café 1.jpg".encode("cp850"), "calling/Müller.jpg".encode("cp1252")]
    assert entry_names(zipped(names)).names == ["hugging/Café 1.jpg", "calling/Müller.jpg"]


ACTIONS = {
    "cp1253": "κλήση τρώω πάλη αγκαλιά γέλιο ύπνος",
    "cp852": "jeździ tańczy śmieje śpi słucha używa",
    "cp1250": "volání tleskání jídlo objímání smích běh",
    "koi8_r": "звонит хлопает танцует ест спит бежит",
    "mac_roman": "ringa applådera äta slåss skratta använda",
}


@pytest.mark.parametrize(("encoding", "actions"), ACTIONS.items())
def test_one_code_page_for_the_whole_zip(encoding: str, actions: str) -> None:
    """What a folder alone would be read in does not count; one that says that it is UTF-8 has no say."""
    names = [f"{action}/{row}.jpg" for action in actions.split() for row in range(2)]
    told, found = zipped(["表示/é.jpg".encode()], flags=0x800), zipped([name.encode(encoding) for name in names])
    both = entry_names([*told, *found])
    assert both.names == ["表示/é.jpg", *names] and not both.doubt and not both.note


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp1250", "koń/1.jpg"), ("cp1253", "ςυ/1.jpg"), ("mac_roman", "Ørsted.jpg")]
)
def test_about_equally_likely_code_pages_are_told(encoding: str, name: str) -> None:
    """With both readings of a name, that which is taken first."""
    found = entry_names(zipped([b"cat/1.jpg", name.encode(encoding)]))
    taken, otherwise = found.doubt
    assert found.names == ["cat/1.jpg", taken] and taken != otherwise
    assert repr(taken) in found.note and repr(otherwise) in found.note


def test_many_names_of_noise_are_decoded_alike() -> None:
    """To try the code pages for each of thousands would take minutes."""
    names = [bytes([0x82, 0xFF, 0xB0 + row % 16, 0xB1, 0x95, 0x98]) + f"{row}.jpg".encode() for row in range(500)]
    found = entry_names(zipped(names))
    assert (
        len({name[:2] for name in found.names}) == 1 and len(set(found.names)) == len(names) and len(found.doubt) == 1
    )
