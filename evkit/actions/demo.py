"""What `evkit demo` does, as the commands that a user would type.

The steps are data; `evkit.cli.demo` runs them through the real command line.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from evkit.actions.demo_forms import FORMS
from evkit.core import clock, data, durable
from evkit.core.errors import ExitCode, RefusedError

CASE = "2026-457"
_IN_FIRST_CHUNK = 4000  # of the E01: what is flipped there changes the medium
PHRASES = {
    "root": b"demo root passphrase\n",
    "officer": b"demo officer passphrase\n",
    "custodian": b"demo custodian passphrase\n",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the demo.

    Attributes:
        why: what it is for.
        arguments: what follows `evkit` on the command line.
        expect: the exit code that it must give.
        damages: a damaged copy of the bundle is made after it.
    """

    why: str
    arguments: tuple[str, ...]
    expect: int = 0
    damages: bool = False


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The folder of the demo and its paths."""

    folder: str

    def path(self, *parts: str) -> str:
        """Return a path inside the folder."""
        return os.path.join(self.folder, *parts)


def prepare(folder: str) -> Plan:
    """Make the folder with the passphrase files and the forms.

    Raises:
        RefusedError: the folder exists and is not empty.
    """
    if os.path.isdir(folder) and os.listdir(folder):
        raise RefusedError(
            f"`{folder}` is not empty", hint="name another folder with `--dir`, or remove it"
        )
    durable.make_dir(folder)
    for name, phrase in PHRASES.items():
        durable.write_new(os.path.join(folder, f"{name}.passphrase"), phrase, mode=0o600)
    for name, text in FORMS.items():
        durable.write_new(os.path.join(folder, name), text.encode())
    return Plan(folder=os.path.abspath(folder))


def damage(plan: Plan) -> str:
    """Copy the bundle and flip one byte of the image in the copy; return the file's name."""
    import shutil

    shutil.copytree(plan.path("bundle"), plan.path("bundle-damaged"))
    name = f"data/exhibits/{CASE}/E1/A1/image.E01"
    target = plan.path("bundle-damaged", *name.split("/"))
    os.chmod(target, 0o644)
    with open(target, "r+b") as handle:
        handle.seek(_IN_FIRST_CHUNK)
        byte = handle.read(1)
        handle.seek(-1, os.SEEK_CUR)
        handle.write(bytes([byte[0] ^ 1]))
    return name


def sample(name: str) -> str:
    """Return the path of a sample that ships with evkit."""
    return str(data.folder("sample_images") / name)


def settings(plan: Plan) -> dict[str, str]:
    """Return the environment that makes the commands short."""
    return {
        "EVKIT_STATION": plan.path("station"),
        "EVKIT_PASSPHRASE_FILE": plan.path("officer.passphrase"),
    }


def steps(plan: Plan) -> list[Step]:
    """Return the steps in order."""
    return [*_station(plan), *_case(plan), *_evidence(plan), *_court(plan)]


def _step(why: str, line: str, *values: str, expect: int = 0, damages: bool = False) -> Step:
    """Make a step of a line in which each `{}` stands for the next value."""
    rest = list(values)
    words = [rest.pop(0) if word == "{}" else word for word in line.split()]
    return Step(why=why, arguments=tuple(words), expect=expect, damages=damages)


def _station(plan: Plan) -> list[Step]:
    root_phrase = plan.path("root.passphrase")
    return [
        _step(
            "a station; the agency's root key lies apart from it, as on a medium for the safe",
            "station init {} --name Gulberg --agency {} --profile pk --root-dir {} "
            "--root-passphrase-file {}",
            plan.path("station"), "Provincial Police", plan.path("root"), root_phrase,
        ),
        _step(
            "an officer; the root signs the certificate, the officer's own key signs the entry",
            "officer enrol {} --rank Sub-Inspector --badge 1182 --role officer "
            "--root-dir {} --root-passphrase-file {}",
            "Duty Officer", plan.path("root"), root_phrase,
        ),
        _step(
            "a custodian with a key and a passphrase of their own",
            "officer enrol {} --rank {} --badge 2051 --role custodian "
            "--root-dir {} --root-passphrase-file {} --passphrase-file {}",
            "Store Keeper", "Head Constable", plan.path("root"), root_phrase,
            plan.path("custodian.passphrase"),
        ),
    ]  # fmt: skip


def _case(plan: Plan) -> list[Step]:
    happened = clock.now().local()
    return [
        _step(
            "a case",
            "case open {} --title {} --fields {} --officer duty-officer",
            CASE, "Loan fraud by phone", plan.path("case.yaml"),
        ),
        _step(
            "what was seized, before anything is copied",
            "exhibit register {} --what {} --make SanDisk --serial 4C530001 --seal S-101 "
            "--happened {} --fields {} --officer duty-officer",
            f"{CASE}/E1", "USB stick, black", happened, plan.path("stick.yaml"),
        ),
        _step(
            "what the phone provider delivered",
            "exhibit register {} --what {} --happened {} --fields {} --officer duty-officer",
            f"{CASE}/E2", "data of the phone provider", happened, plan.path("delivery.yaml"),
        ),
    ]  # fmt: skip


def _evidence(plan: Plan) -> list[Step]:
    return [
        _step(
            "the seals are opened, and that is recorded with one signature",
            "custody record unseal {} {} --fields {} --officer duty-officer",
            f"{CASE}/E1", f"{CASE}/E2", plan.path("unseal.yaml"),
        ),
        _step(
            "image the stick, with a second reading from the medium",
            "acquire {} --exhibit {} --verify now --fields {} --officer duty-officer",
            sample("usb-fat16.raw"), f"{CASE}/E1", plan.path("imaging.yaml"),
        ),
        _step(
            "take in the exported files and compare the digests that the provider stated",
            "intake {} --exhibit {} --kind provider --expect {} --fields {} "
            "--officer duty-officer",
            sample("exported"), f"{CASE}/E2", sample("exported.sha256"),
            plan.path("provider.yaml"),
        ),
        _step(
            "list every file of the stick, also the deleted ones",
            "inventory run {} --officer duty-officer",
            f"{CASE}/E1",
        ),
        _step(
            "find something in it; a deleted file shows what its content rests on",
            "inventory find {} --name {}",
            f"{CASE}/E1", "*.csv",
        ),
        _step(
            "seal both exhibits with one signature",
            "custody record seal {} {} --fields {} --officer duty-officer",
            f"{CASE}/E1", f"{CASE}/E2", plan.path("seal.yaml"),
        ),
    ]  # fmt: skip


def _court(plan: Plan) -> list[Step]:
    memo, bundle = plan.path("memo.txt"), plan.path("bundle")
    return [
        _step(
            "the head of the ledger on paper: print it, have it signed, file it elsewhere",
            "ledger memo {} -o {}",
            CASE, memo,
        ),
        _step(
            "pack the case for the court",
            "bundle create {} -o {} --with-exhibits --set purpose=trial --officer duty-officer",
            CASE, bundle,
        ),
        _step(
            "the prosecutor checks the bundle against the paper",
            "verify {} --memo {}",
            bundle, memo,
            damages=True,
        ),
        _step(
            "the same check finds it and says where",
            "verify {} --memo {}",
            plan.path("bundle-damaged"), memo,
            expect=int(ExitCode.FAILED_CHECK),
        ),
    ]  # fmt: skip
