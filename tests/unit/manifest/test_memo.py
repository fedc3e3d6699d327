"""Memos: kindness to what people type, and the text of slips."""

from __future__ import annotations

import hashlib

import pytest

from evkit.core.errors import InputError
from evkit.manifest import memo as m

MEMO = m.Memo(
    "punjab.example/gulberg",
    14,
    hashlib.sha256(b"root").digest(),
    hashlib.sha256(b"trust").digest(),
)


def lines() -> list[str]:
    return [" ".join(line) for line in m.group_lines(MEMO)]


def assert_right(text: str) -> None:
    reading = m.parse(text)
    assert reading.slips == ()
    assert (reading.head.size, reading.head.root) == (14, MEMO.root)
    assert reading.head.fits(MEMO.origin)
    assert not reading.head.fits("punjab.example/other")
    assert reading.trust == MEMO.trust


def test_the_example_of_the_specification(repository):
    page = (repository / "docs" / "spec" / "memo.md").read_text()
    memo = m.Memo("agency.example/station", 14, bytes(range(32)), bytes(range(32, 64)))
    assert f"    {m.qr_text(memo)}\n" in page
    for number, groups in enumerate(m.group_lines(memo), 1):
        assert f"    {number})  {'  '.join(groups)}\n" in page


def test_known_answers():
    memo = m.Memo("agency.example/station", 14, bytes(range(32)), bytes(range(32, 64)))
    lines = m.group_lines(memo)
    assert lines[0][0] == "14" + "ghjkmnpqrstuvwxyz"[(3 * 1 + 9 * 4 + 1) % 17]
    assert lines[1][0] == "0001" + "ghjkmnpqrstuvwxyz"[(81 * 1 + 4) % 17]
    assert m._crc(b"123456789") == 0x29B1


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        str.upper,
        lambda text: text.replace(" ", ""),
        lambda text: text.replace("\n", " "),
        lambda text: text.replace(" ", "-"),
        lambda text: text.replace("0", "O"),
        lambda text: text.replace("1", "l"),
        lambda text: text.replace("1", "I"),
        lambda text: text.translate({ord(str(d)): 0x660 + d for d in range(10)}),
        lambda text: text.translate({ord(str(d)): 0x6F0 + d for d in range(10)}),
        lambda text: "\r\n".join(text.split("\n")),
    ],
)
def test_what_people_type_is_taken_as_meant(change):
    assert_right(change("\n".join(lines())))


def test_a_whole_text_memo_with_labelled_lines():
    text = "Memo of 22 November\nsize 14\n"
    text += "".join(f"  {number}) {line}\n" for number, line in enumerate(lines(), 1))
    assert_right(text + "signed: SI Officer, page 3 of 4\n")


def test_labelled_lines_run_together():
    assert_right(" ".join(f"{number}) {line}" for number, line in enumerate(lines(), 1)))


def test_a_whole_text_memo_with_the_qr_line():
    assert_right(f"head of the ledger\n{m.qr_text(MEMO)}\nsigned\n")
    assert_right(m.qr_text(MEMO).replace(" ", "\n"))


def test_the_first_five_lines_are_a_head_alone():
    reading = m.parse("\n".join(lines()[:5]))
    assert reading.slips == ()
    assert reading.head.root == MEMO.root
    assert reading.trust is None


def test_a_slip_in_the_trusted_root_leaves_the_head():
    wrong = lines()
    wrong[6] = wrong[6].replace(wrong[6][0], "0" if wrong[6][0] != "0" else "1", 1)
    reading = m.parse("\n".join(wrong))
    assert reading.head.root == MEMO.root
    assert reading.trust is None
    assert [slip.group for slip in reading.slips] == [29]


def test_a_slip_in_the_head_leaves_the_trusted_root():
    wrong = lines()
    group = wrong[1].split()[1]
    wrong[1] = wrong[1].replace(group, ("1" if group[0] != "1" else "2") + group[1:], 1)
    reading = m.parse("\n".join(wrong))
    assert reading.head is None
    assert reading.trust == MEMO.trust
    assert reading.slips[0].group == 5
    assert reading.slips[0].text.startswith("copied wrongly, group 5 (line 2)")


def test_a_lost_line_is_named():
    reading = m.parse("\n".join(lines()[:3] + lines()[4:]))
    assert reading.head is None
    assert reading.slips[0].group == 14


def test_two_memos_in_one_text_are_refused():
    text = "".join(f"{number}) {line}\n" for number, line in enumerate(lines(), 1))
    with pytest.raises(InputError):
        m.parse(text + text)
    with pytest.raises(InputError):
        m.parse(m.qr_text(MEMO) + "\n" + m.qr_text(MEMO))
    with pytest.raises(InputError):
        m.parse("k" * (64 * 1024 + 1))


@pytest.mark.parametrize(
    "bad",
    [
        MEMO._replace(origin=""),
        MEMO._replace(origin="two words"),
        MEMO._replace(origin="a\nb"),
        MEMO._replace(origin="x" * 256),
        MEMO._replace(size=-1),
        MEMO._replace(size=2**53),
        MEMO._replace(root=b"short"),
        MEMO._replace(trust=b""),
    ],
)
def test_what_cannot_be_written(bad):
    with pytest.raises(InputError):
        m.qr_text(bad)
    with pytest.raises(InputError):
        m.group_lines(bad)


def test_a_size_with_a_leading_zero_is_a_slip():
    text = "\n".join(lines())
    assert m.parse("0" + text).slips[0].group == 1


def test_terminal_codes_in_a_slip_are_escaped():
    reading = m.parse("\x1b[2Jk")
    assert "\x1b" not in reading.slips[0].text


def labelled(form: str = "{}) {}", left_out: int = 0, count: int = 9) -> list[str]:
    made = [form.format(number, line) for number, line in enumerate(lines()[:count], 1)]
    return [line for number, line in enumerate(made, 1) if number != left_out]


@pytest.mark.parametrize("form", ["{}) {}", "{}){}", "({}) {}", "{} ) {}", "  {})\t{}"])
@pytest.mark.parametrize("between", ["\n", " ", "", "\r\n"])
def test_labels_fused_or_apart(form, between):
    assert_right(between.join(labelled(form)))
    assert_right(between.join(labelled(form)).upper())
    assert_right(between.join(labelled(form)).replace(" ", ""))


def test_labels_in_any_order():
    assert_right("\n".join(reversed(labelled())))
    assert_right("\n".join(labelled()).translate({ord(str(d)): 0x6F0 + d for d in range(10)}))


@pytest.mark.parametrize("between", ["\n", ""])
@pytest.mark.parametrize("lost", range(1, 10))
def test_a_labelled_line_left_out_is_named(lost, between):
    reading = m.parse(between.join(labelled("{}){}", lost)))
    assert [slip.text for slip in reading.slips] == [f"line {lost} is missing"]
    assert (reading.head is None) == (lost <= 5)
    assert (reading.trust is None) == (lost > 5)


@pytest.mark.parametrize("lost", range(1, 10))
def test_a_line_left_out_without_labels_is_named(lost):
    reading = m.parse(" ".join(lines()[: lost - 1] + lines()[lost:]))
    assert [slip.text for slip in reading.slips] == [f"line {lost} is missing"]


def test_a_group_left_out_of_a_labelled_line():
    text = labelled()
    text[6] = text[6].rpartition(" ")[0]
    reading = m.parse("\n".join(text))
    assert reading.head.root == MEMO.root
    assert reading.trust is None
    assert "line 7: 4 groups were found, it has 5" in reading.slips[0].text


def test_a_label_twice():
    with pytest.raises(InputError):
        m.parse("\n".join([*labelled(count=5), labelled()[1]]))


def test_a_qr_text_cut_short():
    text = m.qr_text(MEMO)
    for end in range(len("evkit-me"), len(text)):
        reading = m.parse(text[:end])
        assert (reading.head, reading.trust) == (None, None)
        assert "cut short" in reading.slips[0].text, text[:end]


@pytest.mark.parametrize(
    "text", ["", "memo.txt", "../memo", "hello", "C1", "the memo of 22 November", "0" * 4000]
)
def test_what_is_no_memo(text):
    assert not m.is_like(text)


def test_what_is_meant_as_a_memo():
    for text in ("\n".join(lines()[:1] + lines()[3:]), m.qr_text(MEMO)[:20], labelled()[2]):
        assert m.is_like(text)
