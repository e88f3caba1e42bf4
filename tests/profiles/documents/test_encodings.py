"""Encodings: marks, UTF-8, what is recognised, what is asked for, and what is left to a person."""

import codecs
import json

import pytest

from counseling_sessions.profiles.documents import records_of
from counseling_sessions.profiles.documents.encodings import beginning, chunks, is_utf8, no_encoding, recognised

TEXTS = {
    "ja": "カウンセラー：こんにちは、今日はどんな一週間でしたか。クライアント：あまり眠れませんでした。\n",
    "zh": "咨询师：你好，这周过得怎么样？来访者：我睡得不好，总是担心工作。\n",
    "zh-tw": "諮商師：你好，這週過得怎麼樣？來訪者：我睡得不好，總是擔心工作。\n",
    "ko": "상담사: 안녕하세요, 이번 주는 어땠나요? 내담자: 잠을 잘 못 잤어요.\n",
    "de": "T: Guten Tag, wie geht es Ihnen? K: Ich schlafe schlecht, und müde bin ich auch. Schön ist das nicht, aber üblich.\n",
    "fr": "T: Bonjour, comment ça va ? C: J’ai été très fatiguée, à l’école aussi… « Oui », déjà dès le début.\n",
    "en": "T: It’s been a long week, hasn’t it? C: I can’t sleep – I’m worried about work… “again”.\n",
    "pl": "T: Dzień dobry, jak się pani czuje? K: Źle śpię, ciągle się martwię, że stracę pracę. Żadnych zmian.\n",
    "cs": "T: Dobrý den, jak se máte? K: Spím špatně, pořád mám strach, že přijdu o práci. Večer je to horší.\n",
    "hu": "T: Jó napot, hogy van? K: Rosszul alszom, és egyre többször félek, hogy elveszítem a munkámat. Őrült idők.\n",
    "tr": "T: Merhaba, nasılsınız? K: Uyuyamıyorum, işimi kaybetmekten korkuyorum, çok yorgunum. Şimdi ağlıyorum.\n",
    "he": "מ: שלום, מה שלומך? ל: אני לא ישן טוב, אני דואג לעבודה שלי כל הזמן.\n",
    "ru": "Т: Здравствуйте, как прошла неделя? К: Я плохо спал и всё время думал о работе.\n",
}
CODED = [
    *(("ja", name) for name in ("shift_jis", "euc_jp", "utf-16-le", "utf-16-be")),
    *(("zh", name) for name in ("gb18030", "gbk", "utf-16-le")),
    *(("zh-tw", name) for name in ("big5", "gb18030")),
    *(("ko", name) for name in ("euc_kr", "utf-16-be")),
    *(("de", name) for name in ("cp1252", "latin-1", "utf-16-le", "utf-32-be")),
    *(("fr", name) for name in ("cp1252",)),
    *(("en", name) for name in ("cp1252",)),
]


def read(tmp_path, name, content, **named):
    (tmp_path / name).write_bytes(content)
    notes = []
    return list(records_of(tmp_path / name, notes=notes, **named)), notes


@pytest.mark.parametrize(("language", "encoding"), CODED)
@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.csv", "x.txt"])
def test_a_clear_encoding_is_read_and_said(tmp_path, language, encoding, name):
    text = TEXTS[language] * 3
    wrapped = json.dumps({"text": text}, ensure_ascii=False)
    content = {
        "x.json": f"[{wrapped}]",
        "x.jsonl": f"{wrapped}\n{wrapped}\n",
        "x.csv": f'id,text\n1,"{text}"\n',
        "x.txt": text,
    }[name]
    records, notes = read(tmp_path, name, content.encode(encoding))
    value = records[0].value
    assert (value if name == "x.txt" else value["text"]) == text
    assert [note.message.startswith("is no UTF-8; read as ") for note in notes] == [True]


def test_a_long_file_is_recognised_by_its_beginning_and_streamed(tmp_path):
    line = json.dumps({"text": TEXTS["ja"]}, ensure_ascii=False) + "\n"
    for encoding in ("shift_jis", "utf-16-be"):
        records, notes = read(tmp_path, "x.jsonl", (line * 3000).encode(encoding))
        assert len(records) == 3000
        assert {record.value["text"] for record in records} == {TEXTS["ja"]}
        assert len(notes) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-be"])
def test_a_byte_order_mark_decides_whatever_is_asked_for(tmp_path, encoding):
    mark = "" if encoding in ("utf-8-sig", "utf-16", "utf-32") else "\ufeff"
    content = (mark + json.dumps({"a": "é"}, ensure_ascii=False)).encode(encoding)
    for named in ({}, {"encoding": "cp1252"}):
        records, notes = read(tmp_path, "x.json", content, **named)
        assert ([record.value for record in records], notes) == ([{"a": "é"}], [])


def test_what_is_asked_for_is_taken(tmp_path):
    content = "id: é".encode("cp437")
    (problem,), _ = read(tmp_path, "x.yaml", content)
    assert "its encoding is not clear; name it with --encoding NAME" in problem.message
    (record,), notes = read(tmp_path, "x.yaml", content, encoding="cp437")
    assert (record.value, notes) == ({"id": "é"}, [])
    (problem,), _ = read(tmp_path, "x.yaml", content, encoding="ascii")
    assert "byte 5 is no ascii text" in problem.message
    (problem,), _ = read(tmp_path, "x.txt", bytes(range(200)), encoding="latin-1")
    assert problem.message == "is no text that can be read"


@pytest.mark.parametrize("name", ["base64", "no-such", "rot13", "undefined", "x\0y"])
def test_a_name_of_no_encoding_is_told(tmp_path, name):
    assert no_encoding(name)
    (problem,), _ = read(tmp_path, "x.json", b"[1]", encoding=name)
    assert problem.message.startswith(f"there is no text encoding {name!r}")


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("pl", "cp1250"), ("cs", "cp1250"), ("hu", "cp1250"), ("tr", "cp1254"), ("he", "cp1255"), ("ru", "cp1251"), ("ru", "koi8-r"), ("fr", "mac-roman")],
)  # fmt: skip
@pytest.mark.parametrize("times", [1, 300])
def test_an_encoding_that_is_not_among_those_recognised_is_taken_for_none_of_them(language, encoding, times):
    assert recognised((TEXTS[language] * times).encode(encoding)) is None


def test_little_text_is_not_guessed_at():
    for text, encoding in (
        ("id: Müller schläft", "latin-1"),
        ("名", "gb18030"),
        ("こ", "euc_jp"),
        ("Zażółć gęślą", "cp1250"),
    ):
        assert recognised(text.encode(encoding)) is None


def test_a_character_that_is_cut_at_the_end_of_the_beginning_is_no_fault():
    content = "é".encode()[:1]
    assert is_utf8(content, is_all=False)
    assert not is_utf8(content, is_all=True)
    assert beginning("é".encode("utf-16"), "utf-16") == "é"


def test_what_fits_comes_before_the_byte_that_does_not(tmp_path):
    path = tmp_path / "x"
    for encoding in ("utf-8", "utf-16-le", "shift_jis"):
        good = "a語" * 50_000
        bad = {"utf-16-le": b"\x00\xdc\x00\xdc"}.get(encoding, b"\xff\xff")
        path.write_bytes(good.encode(encoding) + bad)
        read_so_far = []
        with path.open("rb") as file, pytest.raises(OSError, match=f"byte {len(good.encode(encoding)) + 1:,} is no"):
            read_so_far.extend(iter_into(chunks(file, encoding), read_so_far))
        assert "".join(read_so_far) == good


def iter_into(texts, into):
    for text in texts:
        into.append(text)
    return []


def test_marks_of_the_wider_code_go_first():
    assert codecs.BOM_UTF32_LE.startswith(codecs.BOM_UTF16_LE)
