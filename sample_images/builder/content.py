"""The invented content of the training case: no real person, number, account or company.

Phone numbers start with +92 300 00000, account numbers with PK00TEST and identity numbers are
zeros: none of them can exist. The story: somebody offers quick loans, takes a fee in advance,
spreads the money over accounts and is gone.
"""

# ruff: noqa: RUF001 - Urdu text
from __future__ import annotations

import io
import zipfile


def transfers(count, seed, *, header=True):
    """Return a list of transfers as CSV with CRLF line ends."""
    lines = ["date,time,from_account,to_account,amount_pkr,remark"] if header else []
    state = seed
    for number in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        day, hour, minute = 1 + state // 7 % 28, 9 + state // 11 % 12, state // 13 % 60
        source, target = 1000 + state // 17 % 40, 9001 + state // 19 % 5
        amount = 1500 + state // 23 % 180 * 250
        remark = ("fee", "processing", "loan fee", "verification", "")[state // 29 % 5]
        lines.append(
            f"2025-02-{day:02d},{hour:02d}:{minute:02d},PK00TEST0000{source},"
            f"PK00TEST0000{target},{amount},{remark} {number + 1}".rstrip()
        )
    return ("\r\n".join(lines) + "\r\n").encode()


URDU_NOTE = """یہ تربیت کے لیے بنایا گیا نوٹ ہے۔ کوئی نام یا نمبر اصلی نہیں۔

کل شام پانچ بجے تک نئی سموں کی فہرست بھیج دو۔
پرانے نمبر بند کر دو اور کسی کو فون نہ کرنا۔
رقم تین حصوں میں منتقل ہو گی: ۵۰٪ نیلا، ۳۰٪ سبز، ۲۰٪ لال۔
جو قرض مانگے اس سے پہلے پندرہ سو روپے فیس لینا۔
""".encode()

URDU_LIST = """نمبر شمار،کھاتہ،رقم
۱،PK00TEST00009001،۴۵۰۰۰
۲،PK00TEST00009002،۳۲۵۰۰
۳،PK00TEST00009003،۱۸۲۵۰
""".encode()


def chat(count, seed):
    """Return a chat export between two invented aliases, Urdu and English."""
    said = (
        ("Blue", "New form is ready. Ask 1500 first."),
        ("Green", "ٹھیک ہے۔ آج دس لوگوں نے فیس دی۔"),
        ("Blue", "Split it: 9001, 9002, 9003."),
        ("Green", "نیا نمبر کون سا ہے؟"),
        ("Blue", "+92 300 0000017 from tonight. Throw the old one away."),
        ("Green", "<Media omitted>"),
        ("Blue", "فہرست یو ایس بی میں رکھو، فون میں نہیں۔"),
        ("Green", "Done. Deleted here."),
    )
    lines = ["Messages and calls are end-to-end encrypted. (export made for training)"]
    for number in range(count):
        who, what = said[(number * 5 + seed) % len(said)]
        minute = number * 3 + seed
        lines.append(
            f"{11 + minute // 1440}/03/2025, {minute // 60 % 24:02d}:{minute % 60:02d}"
            f" - {who}: {what}"
        )
    return ("\n".join(lines) + "\n").encode()


def contacts(count):
    """Return contacts as vCard 3.0."""
    names = ("Blue", "Green", "Bank desk (test)", "خریدار", "دکان")
    cards = [
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{names[number % 5]} {number + 1}\r\n"
        f"TEL;TYPE=CELL:+92300{number:07d}\r\nEND:VCARD\r\n"
        for number in range(count)
    ]
    return "".join(cards).encode()


def calls(count, seed):
    """Return call detail records as a provider might send them, all numbers impossible."""
    lines = ["a_party,b_party,start,duration_s,direction,imei,cell_id,site"]
    state = seed
    for number in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        other = state // 7 % 60
        lines.append(
            f"923000000017,92300{other:07d},2025-03-{1 + number // 12:02d}T"
            f"{8 + number % 12:02d}:{state // 11 % 60:02d}:{state // 13 % 60:02d}+05:00,"
            f"{state // 17 % 600},{('MO', 'MT')[state // 19 % 2]},000000000000000,"
            f"410-00-{1200 + state // 23 % 6},TEST SITE {chr(65 + state // 23 % 6)}"
        )
    return ("\r\n".join(lines) + "\r\n").encode()


LOAN_PAGE = b"""<!doctype html>
<title>Quick loan (training page)</title>
<h1>Loan in ten minutes</h1>
<p>Send a fee of 1500 to PK00TEST00009001 and your form to loans@example.invalid.</p>
"""

ZONE = b"[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://files.example.invalid/form.pdf\r\n"

HIDDEN_STREAM = """Stream beside the visible list. Training only.
9001 = Blue, 9002 = Green, 9003 = لال
""".encode()

README_USB = b"TRAINING MEDIUM\r\nAll content is invented. See the README of the sample images.\r\n"


def archive(members):
    """Return a zip file with stored members and one fixed time."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as folder:
        for name, data in members:
            entry = zipfile.ZipInfo(name, (2025, 3, 9, 18, 30, 0))
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            folder.writestr(entry, data)
    return made.getvalue()
