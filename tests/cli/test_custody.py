"""`evkit case`, `exhibit`, `custody` and `status` on a real station."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import stations
from commandlines import problem

from evkit.cli import main
from evkit.cli.session import Session
from evkit.core import clock, ejson
from evkit.core.errors import ExitCode
from evkit.ledger.commitments import verify_opening
from evkit.station import Station


def document(text):
    return json.loads(text)


def test_a_case_from_start_to_end(run):
    out = run("case", "open", "2026-457", "--title", "Loan fraud", "--fir", "457/2026")
    assert "recorded case-open of 2026-457, entry" in out
    assert "next: evkit exhibit register 2026-457/E1" in out
    out = run("exhibit", "register", "2026-457/E1", "--what", "phone, black", "--imei", "3569",
              "--imei", "3570", "--from", "Accused Person", "--set", "quantity=1",
              "--set", "witnesses.1=First Witness", "--set", "witnesses.2=Second",
              "--reason", "night, no street light")  # fmt: skip
    assert "deviation: profile `pk` asks for" in out
    assert "reason: night, no street light" in out
    assert "`seized_from`" not in out
    assert "witnesses" not in out
    run("exhibit", "register", "2026-457", "--what", "SIM", "--part-of", "2026-457/E1")
    out = run("custody", "record", "seal", "2026-457/E1", "2026-457/E2", "--set",
              "seal=E1:S-1,E2:S-2")  # fmt: skip
    assert "recorded seal of 2026-457/E1, 2026-457/E2, entry" in out
    shown = document(run("exhibit", "show", "2026-457/E1", "--json"))
    assert shown["seal"]["numbers"] == ["S-1"]
    assert shown["fields"]["imei"] == ["3569", "3570"]
    assert "Accused" not in json.dumps(shown)
    run("exhibit", "mark", "2026-457/E1", "Ex.P-12", "--by", "Sessions Court")
    assert "Ex.P-12" in run("exhibit", "show", "2026-457/E1")
    assert "SIM" in run("exhibit", "list", "2026-457")
    assert "2 exhibits" in run("case", "list")
    assert "phone, black" in run("case", "show", "2026-457")
    run("case", "close", "2026-457", "--set", "outcome=convicted")
    run("case", "close", "2026-457", expect=ExitCode.REFUSED)


def test_the_log_fits_on_80_columns(run):
    local = clock.now().local()
    minute = local[:16] + local[19:]
    run("custody", "record", "store", "C1/E1", "--officer", stations.CUSTODIAN, "--set",
        "location=" + "long word " * 30, "--happened", minute, "--set",
        "remarks=x\x1b[31m", "--reason", "r " * 60)  # fmt: skip
    out = run("custody", "log", "C1/E1")
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert "in the store" in out
    assert local[:16].replace("T", " ") in out
    assert "time above as stated" in out
    log = document(run("custody", "log", "C1/E1", "--json"))
    assert log["schema"] == "evkit/custody-log/1"
    assert [entry["kind"] for entry in log["entries"]] == ["register", "store"]
    assert log["entries"][1]["deviations"]


def test_a_digest_stays_whole_in_the_log(run):
    digest = "ab" * 32
    run("custody", "record", "note", "C1/E1", "--set", f"text={digest}")
    assert digest in run("custody", "log", "C1/E1")


def test_a_correction_by_number(run):
    run("custody", "record", "store", "C1/E1", "--set", "location=safe 1")
    number = document(run("custody", "log", "C1/E1", "--json"))["entries"][-1]["entry"]
    run("custody", "record", "correct", "C1", "--set", f"corrects={number}", "--set",
        "values.location=safe 2", "--set", "values.happened=" + clock.now().text(), "--set",
        "text=slip of the pen")  # fmt: skip
    out = run("custody", "log", "C1/E1")
    assert f"corrected by entry {number + 1}" in out
    assert "safe 1" in out
    assert "safe 2" in out
    shown = document(run("exhibit", "show", "C1/E1", "--json"))
    assert shown["custody"][-1]["location"] == "safe 2"
    run("custody", "record", "correct", "C1", "--set", "corrects=999", expect=2)
    run("custody", "record", "correct", "C1", "--set", f"corrects={number}", "--set",
        "values.colour=red", expect=2)  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("custody", "record", "seal", "C1/E9"), ExitCode.NO_CASE),
        (("custody", "record", "seal", "C9/E1"), ExitCode.NO_CASE),
        (("custody", "record", "verify", "C1/E1/A1"), ExitCode.USAGE),
        (("custody", "record", "teleport", "C1/E1"), ExitCode.USAGE),
        (("custody", "record", "register", "C1/E2"), ExitCode.USAGE),
        (("custody", "record", "seal", "C1"), ExitCode.USAGE),
        (("custody", "record", "seal", "./C1"), ExitCode.USAGE),
        (("custody", "record", "seal", "C1/E1", "--set", "colour=red"), ExitCode.USAGE),
        (("custody", "record", "seal", "C1/E1", "--happened", "noon"), ExitCode.USAGE),
        (("custody", "record", "note", "C1/E1/A1", "--set", "text=x"), ExitCode.NO_CASE),
        (("custody", "log", "C1/E9"), ExitCode.NO_CASE),
        (("case", "open", "c1", "--title", "x"), ExitCode.REFUSED),
        (("case", "open", "../x", "--title", "x"), ExitCode.USAGE),
        (("case", "show", "C9"), ExitCode.NO_CASE),
        (("exhibit", "register", "C1/E1", "--what", "x"), ExitCode.REFUSED),
        (("exhibit", "register", "C1/E1/A1", "--what", "x"), ExitCode.USAGE),
        (("exhibit", "register", "C1/E2"), ExitCode.USAGE),
        (("exhibit", "register", "C1/E2", "--what", "x", "--attach", "/nowhere"), ExitCode.INPUT),
        (("exhibit", "show", "C1/E9"), ExitCode.NO_CASE),
        (("exhibit", "show", "C1"), ExitCode.USAGE),
    ],
)
def test_what_is_refused(run, arguments, code):
    before = document(run("status", "--json"))["size"]
    message = run(*arguments, expect=code)
    assert message.startswith("evkit: error: ")
    assert document(run("status", "--json"))["size"] == before


def test_a_dry_run_writes_nothing(run, tmp_path):
    paper = tmp_path / "memo.jpg"
    paper.write_bytes(b"paper")
    before = sorted(run.made.path.rglob("*"))
    out = run("exhibit", "register", "C1/E2", "--what", "CD", "--attach", paper, "--dry-run",
              "--from", "Somebody")  # fmt: skip
    assert "would record register of C1/E2" in out
    assert "kept as a commitment" in out
    assert "Somebody" not in out
    assert sorted(run.made.path.rglob("*")) == before


def test_attachments_are_taken_in_by_digest(run, tmp_path):
    paper = tmp_path / "fard\n\u202e.jpg"
    paper.write_bytes(b"paper")
    run("exhibit", "register", "C1/E2", "--what", "CD", "--attach", paper, "--attach", paper)
    shown = document(run("exhibit", "show", "C1/E2", "--json"))
    digest = shown["fields"]["attachments"][0]["sha256"]
    copies = list((run.made.path / "cases" / "C1" / "E2" / "attachments").iterdir())
    assert [copy.name for copy in copies] == [digest]
    assert copies[0].read_bytes() == b"paper"
    assert copies[0].stat().st_mode & 0o222 == 0
    assert "\u202e" not in run("exhibit", "show", "C1/E2")


def test_fields_from_a_file(run, tmp_path):
    path = tmp_path / "fields.yaml"
    path.write_text(
        'witnesses:\n  - {name: First Witness, cnic: "17301-1234567-1"}\n  - Second\n'
        "seal: [S-7]\nhappened: 2026-11-22\nplace: Karachi\n"
        "sensitive: {remarks: only for the court}\n"
    )
    run("custody", "record", "seal", "C1/E1", "--fields", path)
    entry = document(run("custody", "log", "C1/E1", "--json"))["entries"][-1]
    assert entry["withheld"] == [
        "remarks", "witnesses.1.cnic", "witnesses.1.name", "witnesses.2.name",
    ]  # fmt: skip
    assert entry["fields"] == {"seal": ["S-7"]}
    path.write_text("serial: 0123\nwhat: CD\n")
    message = run("exhibit", "register", "C1/E2", "--fields", path, expect=2)
    assert 'serial: "…"' in message


def test_personal_values_open_their_commitments(run):
    run("custody", "record", "note", "C1/E1", "--set", "text=x", "--sensitive", "remarks=secret")
    with Station.open(run.made.path) as station:
        _, event, event_id = list(station.events())[-1]
        (opening,) = station.openings(event_id)
    assert (opening.name, opening.value) == ("remarks", "secret")
    assert verify_opening(opening, event.commitments["remarks"])
    assert b"secret" not in json.dumps(dict(event.fields)).encode()


def test_subjects_in_a_real_ledger(run):
    run("custody", "record", "seal", "C1/E1")
    with Station.open(run.made.path) as station:
        events = list(station.events())
    ids = {event.kind: event_id for _, event, event_id in events}
    names = {event.kind: event.subjects for _, event, _ in events}
    assert names["seal"][0] == ("C1/E1#registration", {"sha256": ids["register"]})
    assert names["register"][0] == ("C1#opening", {"sha256": ids["case-open"]})
    assert names["case-open"][0].name == "station#statement"


def test_an_unusual_role_is_recorded(run):
    run("custody", "record", "dispose", "C1/E1", "--officer", stations.OFFICER)
    entry = document(run("custody", "log", "C1/E1", "--json"))["entries"][-1]
    assert "unusual-role" in {deviation["code"] for deviation in entry["deviations"]}


def leave_journal(run, state, pid, what="acquire"):
    folder = run.made.path / "cases" / "C1" / "E1" / "A1"
    folder.mkdir(parents=True, exist_ok=True)
    value = {
        "schema": "evkit/journal/1",
        "what": what,
        "ref": "C1/E1/A1",
        "started": "2026-11-22T09:00:00.000Z",
        "pid": pid,
        "state": state,
        **({"draft": {"kind": f"{what}-end"}} if state == "unsigned" else {}),
    }
    (folder / "journal.json").write_bytes(ejson.dumps(value))
    return folder / "journal.json"


def test_status(run):
    out = run("status")
    assert "Cyber Crime Circle" in out
    run("custody", "record", "note", "C1", "--set", "text=x", "--set", "starts=owner-image-7d")
    run("custody", "record", "check-out", "C1/E1")
    journal = leave_journal(run, "running", 2**22 + 1)
    out = run("status")
    assert "stopped before its end" in out
    assert ": C1, give the owner a forensic image" in out
    assert "C1/E1: out with nobody recorded" in out
    assert max(map(len, out.splitlines())) <= 80
    journal.write_text("{")
    assert main.run(["status"]) == ExitCode.INCOMPLETE


@pytest.mark.parametrize("state", ["running", "unsigned", "stopped", "damaged"])
def test_journals_of_every_state(run, state):
    pid = 2**22 + 1 if state == "stopped" else os.getpid()
    path = leave_journal(run, "running" if state == "stopped" else state, pid)
    if state != "damaged":
        (work,) = document(run("status", "--json"))["work"]
        assert (work["ref"], work["state"]) == ("C1/E1/A1", state)
        return
    assert main.run(["status"]) == ExitCode.INCOMPLETE
    path.unlink()
    run("status")


def test_prompts_only_on_a_terminal(run, monkeypatch):
    asked = []

    def prompt(text, **_):
        asked.append(text)
        return "S-1" if text.startswith("seal numbers") else ""

    monkeypatch.setattr("click.prompt", prompt)
    run("custody", "record", "seal", "C1/E1")
    assert asked == []
    run("custody", "record", "unseal", "C1/E1")
    monkeypatch.setattr(Session, "interactive", lambda _: True)
    out = run("custody", "record", "seal", "C1/E1")
    assert asked[0].startswith("seal numbers")
    assert "witness 1: name" in asked
    assert asked[-1] == "why is the rest left out"
    assert "`seal`" not in out
    asked.clear()
    run("custody", "record", "note", "C1/E1", "--set", "text=x", "--json")
    assert asked == []


def test_the_key_is_needed_to_record(tmp_path, monkeypatch, capsys):
    made = stations.ready(tmp_path / "station")
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong\n")
    code = main.run(["--station", str(made.path), "custody", "record", "seal", "C1/E1",
                     "--officer", stations.OFFICER, "--passphrase-file", str(wrong)])  # fmt: skip
    assert code == ExitCode.KEY
    assert "passphrase" in capsys.readouterr().err


def test_a_copy_of_an_acquisition(run):
    from evkit.ledger.event import Draft, Subject

    with Station.open(run.made.path) as station:
        draft = Draft(
            kind="intake-end",
            case="C1",
            exhibits=("C1/E1",),
            acquisitions=("C1/E1/A1",),
            fields={"result": "complete"},
            subjects=(Subject("C1/E1/A1", {"sha256": "ab" * 32}),),
        )
        station.record(draft, stations.template().officer)
    run("custody", "record", "copy-out", "C1/E1/A1", "--set", "to=defence", "--set", "copy=owner")
    shown = document(run("exhibit", "show", "C1/E1", "--json"))
    assert shown["acquisitions"][0]["copies"] == shown["copies"]
    with Station.open(run.made.path) as station:
        _, event, _ = list(station.events())[-1]
    assert event.exhibits == ("C1/E1",)
    assert event.subjects == (("C1/E1/A1", {"sha256": "ab" * 32}),)


def printed_commands(text):
    """The command lines that a text for people shows, alone on a line or in backticks."""
    alone = [line.strip() for line in text.splitlines() if line.strip().startswith("evkit ")]
    return [*alone, *re.findall(r"`(evkit [^`]+)`", text.replace("\n", " "))]


def acquired(station, ref, result, *, what="acquire", end=True, **fields):
    """An attempt on record, as acquire would write it."""
    from evkit.ledger.event import Draft, Subject

    exhibit = ref.rpartition("/")[0]
    common = {"case": "C1", "exhibits": (exhibit,), "acquisitions": (ref,)}
    signer = stations.template().officer
    station.record(Draft(kind=f"{what}-start", **common), signer)
    if end:
        subjects = (Subject(ref, {"sha256": "ab" * 32}),)
        fields = {"result": result, **fields}
        station.record(
            Draft(kind=f"{what}-end", fields=fields, subjects=subjects, **common), signer
        )


@pytest.mark.parametrize("what", ["acquire", "intake"])
@pytest.mark.parametrize(("state", "option"), [("running", "--finish"), ("unsigned", "--record")])
def test_status_names_the_command_that_settles_work(run, what, state, option):
    leave_journal(run, state, 2**22 + 1, what=what)
    assert f"    evkit {what} {option} --exhibit C1/E1" in run("status").splitlines()


@pytest.mark.parametrize("state", ["running", "unsigned"])
def test_a_journal_whose_end_is_recorded_is_not_stopped(run, state):
    with Station.open(run.made.path) as station:
        acquired(station, "C1/E1/A1", "complete")
    leave_journal(run, state, 2**22 + 1)
    (work,) = document(run("status", "--json"))["work"]
    assert work["state"] == "recorded"
    out = run("status")
    assert "only its journal is left" in out
    assert "stopped" not in out


def test_an_attempt_closed_after_a_complete_one_is_not_tried_again(run):
    from evkit.ledger.event import Draft

    with Station.open(run.made.path) as station:
        acquired(station, "C1/E1/A1", "failed", end=False)
        acquired(station, "C1/E1/A2", "complete")
        common = {"case": "C1", "exhibits": ("C1/E1",), "acquisitions": ("C1/E1/A1",)}
        draft = Draft(kind="acquire-end", fields={"result": "failed", "error": "full"}, **common)
        station.record(draft, stations.template().officer)
    codes = [task["code"] for task in document(run("status", "--json"))["todo"]]
    assert "try-again" not in codes


def test_what_is_left_to_do(run):
    codes = lambda: [task["code"] for task in document(run("status", "--json"))["todo"]]  # noqa: E731
    assert codes() == ["no-data", "memo"]
    run("custody", "record", "seal", "C1/E1", "--set", "seal=S-1")
    run("custody", "record", "unseal", "C1/E1", "--set", "seal=S-1")
    with Station.open(run.made.path) as station:
        acquired(station, "C1/E1/A1", "stopped", error="pulled out")
    assert codes() == ["try-again", "unsealed", "memo"]
    with Station.open(run.made.path) as station:
        counts = {"mismatch": 1, "ok": 2}
        acquired(station, "C1/E1/A2", "complete", what="intake", expected={"counts": counts})
    assert codes() == ["stated-digests", "unsealed", "memo"]
    out = run("status")
    assert "C1/E1 was unsealed (entry" in out
    assert "evkit custody record seal C1/E1 --set seal=NUMBER" in out
    run("custody", "record", "note", "C1/E1", "--set", "text=asked, the list was older")
    run("custody", "record", "seal", "C1/E1", "--set", "seal=S-2")
    run("ledger", "memo", "--record", "--officer", stations.OFFICER)
    assert codes() == []
    run("custody", "record", "note", "C1", "--set", "text=x")
    assert "1 entry is newer than the last memo" in run("status")
    run("case", "close", "C1")
    assert codes() == ["memo"]


def test_every_command_of_status_exists(run):
    with Station.open(run.made.path) as station:
        station.record(stations.register("C1/E2"), stations.template().officer)
        acquired(station, "C1/E1/A2", "failed")
        acquired(station, "C1/E2/A1", "", end=False)
    run("custody", "record", "seal", "C1/E1", "--set", "seal=S-1")
    run("custody", "record", "unseal", "C1/E1", "--set", "seal=S-2")
    for state in ("running", "unsigned"):
        leave_journal(run, state, 2**22 + 1)
        commands = printed_commands(run("status"))
        assert len(commands) >= 5
        assert [problem(line) for line in commands if problem(line)] == []


def test_the_review_stands_once_and_last_in_status(run):
    lines = run("status").splitlines()
    assert [n for n, line in enumerate(lines) if "NOT REVIEWED" in line] == [len(lines) - 1]
    assert "NOT REVIEWED BY COUNSEL" in run("case", "show", "C1")
    assert "NOT REVIEWED BY COUNSEL" in run("station", "show")


def test_exhibits_are_in_the_order_of_their_numbers(run):
    for number in (10, 2):
        run("exhibit", "register", f"C1/E{number}", "--what", "CD")
    for command in (("case", "show", "C1"), ("exhibit", "list", "C1"), ("status",)):
        numbers = re.findall(r"C1/E(\d+)", run(*command))
        assert list(dict.fromkeys(numbers)) == ["1", "2", "10"]


def test_an_unknown_case_is_said_to_be_missing(run):
    assert "no case `C9`" in run("exhibit", "show", "C9/E1", expect=ExitCode.NO_CASE)
    assert "1 exhibit " in run("case", "list")


def terminal(monkeypatch, answers, confirm=True):
    """A person at a terminal: answers by the start of the question, the rest is left out."""
    asked = []

    def prompt(text, **_):
        asked.append(text)
        assert len(asked) < 60
        found = next((a for start, a in answers.items() if text.startswith(start)), "")
        return found.pop(0) if isinstance(found, list) else found

    def agree(text, **_):
        asked.append(text)
        return confirm

    monkeypatch.setattr("click.prompt", prompt)
    monkeypatch.setattr("click.confirm", agree)
    monkeypatch.setattr(Session, "interactive", lambda _: True)
    return asked


def size(run):
    return document(run("status", "--json"))["size"]


def test_a_correction_of_another_exhibit_is_refused(run):
    run("exhibit", "register", "C1/E2", "--what", "CD")
    number = size(run) - 1
    message = run("custody", "record", "correct", "C1/E1", "--set", f"corrects={number}",
                  "--set", "values.quantity=1", "--reason", "slip", expect=2)  # fmt: skip
    assert f"entry {number} (`register`) is about C1/E2, not about C1/E1" in message
    assert f"evkit custody record correct C1/E2 --set corrects={number}" in message
    assert size(run) == number + 1
    message = run("custody", "record", "correct", "C1/E1", "--set", "corrects=3", "--set",
                  "values.title=x", expect=2)  # fmt: skip
    assert "is about case C1, not about C1/E1" in message


def test_a_correction_names_its_target_everywhere(run):
    run("exhibit", "register", "C1/E2", "--what", "CD")
    number = size(run) - 1
    sentence = f"correction of entry {number} (register, C1/E2): quantity: nothing became 1"
    arguments = ("custody", "record", "correct", "C1/E2", "--set", f"corrects={number}", "--set",
                 "values.quantity=1", "--reason", "it was left out")  # fmt: skip
    assert sentence in " ".join(run(*arguments, "--dry-run").split())
    assert sentence in " ".join(run(*arguments).split())
    log = document(run("custody", "log", "C1/E2", "--json"))
    assert log["entries"][-1]["summary"] == f"{sentence}, it was left out"
    assert log["entries"][-1]["fields"]["text"] == "it was left out"
    assert log["entries"][-1].get("deviations", []) == []
    run("custody", "record", "correct", "C1", "--set", f"corrects={number}", "--set",
        "values.quantity=2", "--set", "text=counted again")  # fmt: skip
    log = document(run("custody", "log", "C1/E2", "--json"))
    assert "quantity: 1 became 2, counted again" in log["entries"][-1]["summary"]


def test_what_is_missing_is_added_with_the_command_that_is_shown(run):
    out = run("exhibit", "register", "C1/E2", "--what", "CD")
    commands = printed_commands(out)
    correct = next(line for line in commands if "values.FIELD" in line)
    private = next(line for line in commands if "private" in line)
    assert [line for line in commands if problem(line)] == []
    words = correct.replace("values.FIELD=…", "values.place=Lahore").replace("…", "forgotten")
    assert "deviation" not in run(*words.split()[1:])
    assert "deviation" not in run(*private.replace("…", "Gul").split()[1:])
    shown = document(run("exhibit", "show", "C1/E2", "--json"))
    assert shown["heads"]["place"] == "Lahore"
    assert "add what is missing" not in run("custody", "record", "note", "C1", "--set", "text=x")


def test_which_entry_is_corrected_must_be_said(run):
    said = run("custody", "record", "correct", "C1/E1", "--set", "values.place=x", expect=2)
    assert "which entry is corrected?" in said
    assert "--set corrects=NUMBER" in said


def test_an_acquisition_that_is_not_there_is_not_shown(run):
    said = run("exhibit", "show", "C1/E1/A7", expect=10)
    assert "no acquisition `C1/E1/A7`" in said


def test_what_an_exhibit_is_has_an_option(run):
    assert "`--what …`" in run("exhibit", "register", "C1/E9", expect=2)


def test_remarks_to_come_are_said_before_signing(run, capsys):
    run("custody", "record", "seal", "C1/E1", "--set", "seal=S-1")
    before = size(run)
    for arguments, text, command in (
        (("seal", "C1/E1", "--set", "seal=S-2"), "it was sealed since", "unseal C1/E1 --set seal="),
        (
            ("unseal", "C1/E1", "--set", "seal=S-9"),
            "reads seal S-9",
            "correct C1/E1 --set corrects",
        ),
        (("check-in", "C1/E1"), "no handing out is recorded", "check-out C1/E1"),
    ):
        assert main.run(["custody", "record", *arguments, "--dry-run"]) == 0
        err = capsys.readouterr().err
        assert text in " ".join(err.split())
        (line,) = printed_commands(err)
        assert command in line
        assert problem(line) is None
        assert max(len(text) for text in err.splitlines() if text.strip() != line) <= 80
    assert size(run) == before
    assert main.run(["custody", "record", "seal", "C1/E1", "--set", "seal=S-2"]) == 0
    assert "it was sealed since" in " ".join(capsys.readouterr().err.split())
    made = document(run("custody", "record", "seal", "C1/E1", "--set", "seal=S-3", "--json"))
    assert [remark["code"] for remark in made["remarks"]] == ["seal-while-sealed"]


def test_a_person_is_asked_before_a_remark_is_caused(run, monkeypatch):
    run("custody", "record", "check-out", "C1/E1", "--set", "to=Court clerk", "--reason", "x")
    before = size(run)
    everything = ("--set", "to=x", "--set", "purpose=x", "--set", "seal_condition=intact",
                  "--set", "road_certificate_no=1")  # fmt: skip
    asked = terminal(monkeypatch, {}, confirm=False)
    message = run("custody", "record", "check-out", "C1/E1", *everything, expect=130)
    assert asked == ["go on all the same?"]
    assert "evkit custody record check-in C1/E1 --set location=WHERE" in message
    assert size(run) == before
    asked = terminal(monkeypatch, {})
    run("custody", "record", "check-out", "C1/E1", *everything)
    assert asked == ["go on all the same?"]
    assert size(run) == before + 1


def test_acquiring_what_is_sealed_is_said_before(run, tmp_path, capsys):
    source = tmp_path / "stick.raw"
    source.write_bytes(bytes(4096))
    run("custody", "record", "seal", "C1/E1", "--set", "seal=S-1")
    for command in (("acquire", source), ("intake", source)):
        arguments = [str(word) for word in (*command, "--exhibit", "C1/E1", "--dry-run")]
        assert main.run(arguments) == 0
        err = capsys.readouterr().err
        assert "while it was sealed" in " ".join(err.split())
        assert "evkit custody record unseal C1/E1 --set seal=S-1" in printed_commands(err)


def test_what_comes_after_the_closing_is_said_before(run, capsys):
    run("case", "close", "C1", "--set", "outcome=convicted")
    assert main.run(["custody", "record", "note", "C1", "--set", "text=x"]) == 0
    assert "closed by" in capsys.readouterr().err


def test_closing_lists_what_is_open(run, monkeypatch, capsys):
    run("custody", "record", "check-out", "C1/E1")
    assert main.run(["case", "close", "C1", "--dry-run"]) == 0
    err = " ".join(capsys.readouterr().err.split())
    for text in (
        "open in case C1",
        "C1/E1: no data were taken yet",
        "C1/E1 was never sealed",
        "C1/E1 is out with nobody recorded",
        "! nobody is recorded as holding",
    ):
        assert text in err
    terminal(monkeypatch, {}, confirm=False)
    before = size(run)
    run("case", "close", "C1", expect=130)
    assert size(run) == before


def test_seal_numbers_belong_to_exhibits_that_are_named(run):
    run("exhibit", "register", "C1/E2", "--what", "CD")
    message = run("custody", "record", "seal", "C1/E1", "--set", "seal=E9:S-6", expect=2)
    assert "E9, which is not named" in message
    both = ("custody", "record", "seal", "C1/E1", "C1/E2", "--dry-run", "--json", "--set")
    codes = lambda seal: {  # noqa: E731
        entry["code"]: entry["text"] for entry in document(run(*both, f"seal={seal}"))["deviations"]
    }
    assert "C1/E1 and C1/E2" in codes("S-1")["seal-shared"]
    assert codes("E1:S-1")["seal-unnumbered"] == "no seal number is given for C1/E2"
    assert not {"seal-shared", "seal-unnumbered"} & codes("E1:S-1,E2:S-2").keys()


def test_everything_is_checked_before_the_first_question(run, monkeypatch):
    asked = terminal(monkeypatch, {})
    for arguments, code in (
        (("custody", "record", "seal", "C1/E9"), ExitCode.NO_CASE),
        (("custody", "record", "seal", "C9/E1"), ExitCode.NO_CASE),
        (("custody", "record", "seal", "C1/E1", "--officer", "nobody"), ExitCode.KEY),
        (("case", "open", "c1"), ExitCode.REFUSED),
        (("exhibit", "register", "C1/E1"), ExitCode.REFUSED),
    ):
        run(*arguments, expect=code)
    assert asked == []


def test_an_answer_is_checked_when_it_is_typed(run, monkeypatch, capsys):
    answers = {"seal numbers": ["E9:S-1", "S-1"], "when it happened": ["noon", "2026-11-22 14:05"],
               "so that": "x", "description": "CD", "what it is": "CD"}  # fmt: skip
    asked = terminal(monkeypatch, answers)
    code = main.run(["exhibit", "register", "C1/E2", "--what", "CD"])
    err = capsys.readouterr().err
    assert code == 0, err
    assert "write it like 2026-11-22 14:05" in err
    assert sum(text.startswith("when it happened") for text in asked) == 2
    assert "names no zone; taken as +05:00 (Asia/Karachi)" in err
    asked.clear()
    answers["seal numbers"] = ["E9:S-1", "S-1"]
    assert main.run(["custody", "record", "seal", "C1/E2"]) == 0
    assert "which is not named in the command" in capsys.readouterr().err


def test_kinds_of_authority_are_chosen_by_number_or_word(run, monkeypatch, capsys):
    answers = {"kind of authority": ["whim", "99", "1"]}
    asked = terminal(monkeypatch, answers)
    assert main.run(["exhibit", "register", "C1/E2", "--what", "CD"]) == 0
    err = capsys.readouterr().err
    assert "warrant_33        warrant for search and seizure" in err
    assert "`whim` is none of these" in err
    assert sum(text.startswith("kind of authority") for text in asked) == 3
    monkeypatch.undo()


def test_words_of_the_profile_follow_an_unknown_one(run):
    out = run("custody", "record", "note", "C1", "--set", "text=x", "--set", "authority_type=whim")
    assert "is not a kind of authority" in out
    assert "warrant_33: warrant for search and seizure" in out


def test_a_note_needs_a_text(run, monkeypatch):
    assert "needs `text`" in run("custody", "record", "note", "C1/E1", expect=2)
    terminal(monkeypatch, {"the note": ["", "seen by the clerk"]})
    run("custody", "record", "note", "C1/E1")
    log = document(run("custody", "log", "C1/E1", "--json"))
    assert log["entries"][-1]["fields"]["text"] == "seen by the clerk"


def test_fields_that_were_not_given_are_counted(run):
    run("exhibit", "register", "C1/E2", "--what", "CD", "--reason", "night")
    run("custody", "record", "check-out", "C1/E2", "--set", "purpose=x")
    short = run("exhibit", "show", "C1/E2").splitlines()
    marks = [line.strip()[0] for line in short if line.startswith(("  ! ", "  - "))]
    assert marks == sorted(marks)
    text = " ".join(" ".join(short).split())
    assert re.search(r"entry \d+ \(register\): not given: \d+ fields and witnesses; reason: night",
                     text)  # fmt: skip
    assert "`why_seized`" not in text
    assert "`why_seized`" in run("exhibit", "show", "C1/E2", "--all")
    assert "`why_seized`" in run("case", "show", "C1", "--all")


def test_gaps_name_their_case(run):
    run("custody", "record", "check-out", "C1/E1")
    out = run("status")
    assert "1 gap in custody or evidence of case C1" in out
    assert "    evkit case show C1" in out.splitlines()


def typing(monkeypatch, phrases):
    """A person who types passphrases in turn; returns how often was asked."""
    asked = []

    def prompt(text, **_):
        asked.append(text)
        assert len(asked) < 40
        if text.startswith("passphrase"):
            return phrases.pop(0)
        return "intact" if "intact" in text else "S-1"

    monkeypatch.setattr("click.prompt", prompt)
    monkeypatch.setattr("click.confirm", lambda *_, **__: True)
    monkeypatch.setattr(Session, "interactive", lambda _: True)
    monkeypatch.delenv("EVKIT_PASSPHRASE_FILE", raising=False)
    return asked


@pytest.mark.parametrize("wrong", [1, 3])
def test_three_tries_and_kept_answers(tmp_path, monkeypatch, capsys, wrong):
    made = stations.ready(tmp_path / "station")
    right = stations.PHRASE.decode()
    asked = typing(monkeypatch, [*["wrong"] * wrong, right])
    code = main.run(["--station", str(made.path), "custody", "record", "store", "C1/E1",
                     "--officer", stations.OFFICER])  # fmt: skip
    err = capsys.readouterr().err
    assert "\n\nnow signing as SI Third Officer" in "\n" + err
    assert sum(text.startswith("passphrase") for text in asked) == min(wrong + 1, 3)
    if wrong == 1:
        assert code == 0
        assert "--fields" not in err
        return
    assert code == ExitCode.KEY
    path = re.search(r"--fields (\S+)", err)[1]
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert json.loads(Path(path).read_text())["location"] == "S-1"
    asked = typing(monkeypatch, [right])
    code = main.run(["--station", str(made.path), "custody", "record", "store", "C1/E1",
                     "--officer", stations.OFFICER, "--fields", path])  # fmt: skip
    assert code == 0


def test_names_of_persons_are_not_kept(tmp_path, monkeypatch, capsys):
    made = stations.ready(tmp_path / "station")
    typing(monkeypatch, ["wrong"] * 3)
    main.run(["--station", str(made.path), "custody", "record", "seal", "C1/E1",
              "--officer", stations.OFFICER])  # fmt: skip
    path = re.search(r"--fields (\S+)", capsys.readouterr().err)[1]
    assert set(json.loads(Path(path).read_text())) == {"seal", "condition", "place"}
