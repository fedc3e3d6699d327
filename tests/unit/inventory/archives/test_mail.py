"""Mail by message: mbox and EML, attachments decoded, whatever a sender wrote."""

from __future__ import annotations

import base64
import hashlib
import mailbox
from email.message import EmailMessage

import archivekit as kit
import pytest

from evkit.inventory.archives import mail
from evkit.inventory.archives.mime import message_fields, parts_of


def _message(subject="s", attachments=(), text="body"):
    message = EmailMessage()
    message["From"] = "Ali <ali@example.pk>"
    message["To"] = "b@example.org"
    message["Subject"] = subject
    message["Date"] = "Mon, 01 Jan 2024 10:00:00 +0500"
    message["Message-ID"] = "<1@example>"
    message.set_content(text)
    for name, data in attachments:
        message.add_attachment(data, maintype="application", subtype="pdf", filename=name)
    return message


def test_an_eml():
    data = _message("شکایت", [("رسید.pdf", b"%PDF-1" * 100), ("a/b.pdf", b"x")]).as_bytes()
    listed = kit.Listed(data, name=b"m.eml")
    assert listed.top["type"] == "eml"
    assert listed.top["state"] == "ok"
    (row,) = listed.kind("message")
    assert row["subject"] == "شکایت"
    assert row["from"] == "Ali <ali@example.pk>"
    assert row["sent"] == "1704085200000000000"
    assert row["attachments"] == 2
    streams = listed.streams()
    found = streams["/رسید.pdf".encode()]
    assert found["digests"]["sha256"] == hashlib.sha256(b"%PDF-1" * 100).hexdigest()
    assert streams["/a\u2215b.pdf".encode()]["size"] == 1


def test_an_attached_message_and_zip_are_looked_into():
    inner = _message("inner", [("z.zip", kit.zipped({"deep": b"1"}))])
    outer = _message("outer")
    outer.add_attachment(inner)
    listed = kit.Listed(outer.as_bytes(), name=b"m.eml")
    assert [row["type"] for row in listed.systems] == ["eml", "eml", "zip"]
    assert [row["subject"] for row in listed.kind("message")] == ["outer", "inner"]
    assert listed.streams(4)[b"/deep"]["state"] == "ok"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_an_mbox(tmp_path, ending):
    box = mailbox.mbox(tmp_path / "box")
    kept = []
    for number in range(40):
        message = _message(f"m{number}", [("a.bin", bytes([number]) * 3000)], "line\n" * number)
        kept.append(message.as_bytes())
        box.add(message)
    box.close()
    data = (tmp_path / "box").read_bytes()
    if ending != "\n":
        data = data.replace(b"\n", b"\r\n")
        kept = [text.replace(b"\n", b"\r\n") for text in kept]
    listed = kit.Listed(data)
    assert listed.top["type"] == "mbox"
    assert listed.top["state"] == "ok"
    assert [row["subject"] for row in listed.kind("message")] == [f"m{n}" for n in range(40)]
    streams = listed.streams()
    for number, text in enumerate(kept):
        path = b"/%06d.eml" % (number + 1)
        assert streams[path]["digests"]["sha256"] == hashlib.sha256(text).hexdigest()
        row = streams[path + b"/a.bin"]
        assert row["digests"]["md5"] == hashlib.md5(bytes([number]) * 3000).hexdigest()


@pytest.mark.parametrize("step", [1, 2, 3, 5, 6, 7, 64])
def test_messages_are_split_alike_in_blocks_of_any_size(step, monkeypatch):
    monkeypatch.setattr(mail, "_STEP", step)
    data = b"From a\nA: 1\n\nx\n\nFrom b\nB: 2\n\n>From y\n\n\nFrom c\nC: 3\n\nlast"

    class Slow:
        at = 0

        def read(self, size=-1):
            block = data[self.at : self.at + step]
            self.at += len(block)
            return block

    found = []
    for message in mail._messages(Slow()):
        found.append(b"".join(iter(message.read, b"")))
    assert found == [b"A: 1\n\nx\n", b"B: 2\n\n>From y\n\n", b"C: 3\n\nlast"]


def test_damaged_base64_is_said():
    data = (
        b"From: a\nSubject: s\nContent-Type: multipart/mixed; boundary=B\n\n--B\n"
        b"Content-Disposition: attachment; filename=x\nContent-Transfer-Encoding: base64\n\n"
        b"aGVs!!bG8\n--B--\n"
    )
    row = kit.Listed(data, name=b"m.eml").streams()[b"/x"]
    assert (row["state"], row["reason"]) == ("damaged", "encoding-damaged")
    assert row["bytes_digested"] == 5


def test_an_unknown_encoding_is_unsupported():
    data = (
        b"From: a\nSubject: s\nContent-Type: application/x; name=x\n"
        b"Content-Transfer-Encoding: x-uuencode\nContent-Disposition: attachment\n\nbegin\n"
    )
    row = kit.Listed(data, name=b"m.eml").streams()[b"/x"]
    assert (row["state"], row["reason"]) == ("unsupported", "encoded-otherwise")


def test_deep_nesting_ends():
    data = b"From: a\nSubject: s\n"
    for level in range(500):
        data += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level)
    listed = kit.Listed(data + b"\nx", name=b"m.eml")
    assert (listed.top["state"], listed.top["reason"]) == ("unreadable", "too-deep")


def test_endless_headers():
    data = b"From: a\nSubject: " + b"s" * (4 << 20)
    listed = kit.Listed(data, name=b"m.eml")
    assert listed.top["reason"] == "header-too-long"
    assert len(listed.kind("message")[0]["subject"]) <= 1024
    many = (
        b"From: a\n" + b"X-%d: 1\n" * 1 + b"".join(b"X-%d: y\n" % n for n in range(50_000)) + b"\nx"
    )
    kit.Listed(many, name=b"m.eml")


def test_a_message_too_large_keeps_its_digest(monkeypatch):
    monkeypatch.setattr(mail, "MESSAGE", 5000)
    body = b"From: a\nSubject: big\n\n" + b"x" * 20_000 + b"\n"
    listed = kit.Listed(b"From a\n" + body + b"\nFrom b\nFrom: b\nSubject: small\n\ny\n")
    assert listed.streams()[b"/000001.eml"]["digests"]["md5"] == hashlib.md5(body).hexdigest()
    assert listed.top["reason"] == "message-too-large"
    assert [row["subject"] for row in listed.kind("message")] == ["big", "small"]
    listed = kit.Listed(body, name=b"m.eml")
    assert listed.top["reason"] == "message-too-large"


def test_many_parts():
    data = b"From: a\nSubject: s\nContent-Type: multipart/mixed; boundary=B\n\n"
    data += b"--B\nContent-Type: image/png\n\n1\n" * 11_000
    listed = kit.Listed(data, name=b"m.eml")
    assert listed.top["reason"] == "too-many-parts"


@pytest.mark.parametrize(
    "value",
    [
        b"=?x-unknown?B?aGVsbG8=?=", b"=?utf-8?B?////?=", b"=?utf-8?Q?=ff=fe?=", b"=?utf-8?Z?x?=",
        b"\xff\xfe", b"=?utf-16?B?AAA=?=", b"=?rot13?q?a?=", b"=?" * 2000, b"=?idna?q?a?=",
        b"=?unicode_escape?q?=5cud800?=",
    ],
)  # fmt: skip
def test_hostile_values_stay_as_they_are(value):
    fields = message_fields(b"Subject: " + value + b"\nDate: " + value + b"\n\n")
    fields["subject"].encode("utf-8")
    data = b"Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: a/b; name*=" + value
    data += (
        b"\nContent-Disposition: attachment; filename*0*=utf-8''%ff; filename*1=\""
        + value
        + b'"\n\nx\n--B--\n'
    )
    parts, _ = parts_of(data)
    assert [part.decoded()[0] for part in parts] == [b"x"]


@pytest.mark.parametrize(
    "date", [b"", b"never", b"Mon, 99 Xxx 0000", b"Mon, 1 Jan 99999 1:1:1 +9999", b"\x00"]
)
def test_dates_that_are_none(date):
    assert "sent" not in message_fields(b"Date: " + date + b"\n\n")


def test_nested_eml_stops_at_the_depth():
    inner = b"From: a\nSubject: x\nMessage-ID: <1>\n\nend"
    for _ in range(12):
        inner = (
            b"From: a\nSubject: x\nDate: y\nContent-Type: message/rfc822\n"
            b"Content-Disposition: attachment\nContent-Transfer-Encoding: base64\n\n"
            + base64.b64encode(inner)
        )
    listed = kit.Listed(inner, name=b"m.eml")
    assert listed.systems[-1]["reason"] == "too-deep"
