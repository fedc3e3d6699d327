"""Asking on the spot before the first read; repeated answers are kept per case and offered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from evkit.acquire import log, scene
from evkit.actions import gear
from evkit.actions.custody import Request
from evkit.actions.questions import check_answer
from evkit.core.errors import EvkitError
from evkit.core.refs import parse_ref
from evkit.core.text import escape
from evkit.station import state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evkit.acquire.scene import Question
    from evkit.custody.state import Piece, State
    from evkit.station import Station

SCHEMA = "evkit/scene-answers/1"
_KIND = "scene"
_USABLE = {"write-blocker", "dock"}
_NONE = "none"


class Asker(Protocol):
    """Who puts a question to a person; `cli.choosing.Terminal` on a terminal."""

    def line(self, question: str, default: str | None) -> str:
        """Return one line as typed; the default when Enter alone was pressed, or empty."""

    def note(self, text: str) -> None:
        """Say one line."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is known before the first read.

    Attributes:
        fields: to be merged into those of `--set` and `--fields`; they hold what was given too.
        asked: names of the questions that were asked now.
    """

    fields: Mapping[str, object]
    asked: tuple[str, ...] = ()

    @property
    def label(self) -> dict[str, str]:
        """The label of the thing, for `preflight.examine`."""
        return scene.label_of(self.fields)


def ask(
    station: Station,
    exhibit: str,
    given: Mapping[str, object],
    asker: Asker | None = None,
    destination: bytes | None = None,
) -> Scene:
    """Ask every question that is open, and keep what holds for the next device of the case.

    Args:
        station: whose equipment is offered.
        exhibit: `CASE/E1`.
        given: fields of `--set` and `--fields`; nothing in them is asked again.
        asker: None where nobody can be asked: then only what was given is put in its place.
        destination: the folder that takes the image; None for that of the station.

    Raises:
        UsageError: the exhibit is no reference.
    """
    ref = parse_ref(exhibit).of_exhibit()
    answers = scene.flat(given)
    if asker is None:
        return Scene(fields=scene.settle(answers))
    kept, lists = recall(station, ref.case), gear.known(station)
    wanted = scene.open_questions(answers)
    asked = []
    if wanted:
        asker.note("Before the first read. Enter alone takes what stands in brackets, else it is")
        asker.note("recorded as not known; `?` is always not known.")
    about = Request(kind="acquire-start", refs=(str(ref),))
    for question in wanted:
        asked.append(question.name)
        if question.name == scene.BLOCKER:
            answers.update(_blocker(station, lists, asker, kept))
        else:
            answers.update(_answer(station, asker, about, question, kept.get(question.name)))
    folder = station.place.home if destination is None else destination
    if scene.DESTINATION.name not in answers and not gear.medium_at(lists, folder):
        found = _destination(lists, asker, kept)
        asked += [scene.DESTINATION.name] if found else []
        answers.update(found)
    keep(station, ref.case, answers)
    return Scene(fields=scene.settle(answers), asked=tuple(asked))


def recall(station: Station, case: str) -> dict[str, str]:
    """Return the answers kept for a case; empty when there are none or they are damaged."""
    try:
        value = state.load(_path(station, case), SCHEMA)
    except EvkitError:
        return {}
    answers = value.get("answers") if value else None
    if not isinstance(answers, dict):
        return {}
    return {k: v for k, v in answers.items() if k in scene.KEPT and isinstance(v, str)}


def keep(station: Station, case: str, answers: Mapping[str, object]) -> None:
    """Keep repeated answers of a case where only this user can read them; never persons.

    What cannot be kept is asked again: no error.
    """
    known: dict[str, Any] = {
        name: value
        for name, value in answers.items()
        if name in scene.KEPT and isinstance(value, str) and not scene.is_not_known(value)
    }
    if not known:
        return
    before = recall(station, case)
    for stem in {name.partition(".")[0] for name in known if "." in name}:  # they go together
        before = {k: v for k, v in before.items() if not k.startswith(f"{stem}.")}
    path = _path(station, case)
    try:
        state.prepare(path)
        state.save(path, {"schema": SCHEMA, "case": case, "answers": {**before, **known}})
    except EvkitError:
        return


def _path(station: Station, case: str) -> bytes:
    return state.file_for(_KIND, station.origin, case)


def _answer(
    station: Station, asker: Asker, about: Request, question: Question, default: str | None
) -> dict[str, object]:
    """Ask one question until the answer can be signed."""
    shown = question.text
    if question.example and default is None:
        shown += f" (such as {question.example})"
    while True:
        answer = asker.line(shown, default).strip()
        if not answer or scene.is_not_known(answer):
            return {question.name: scene.NOT_KNOWN}
        found: dict[str, object] = {question.name: answer}
        if question.name == scene.WITNESSES:
            found = _witnesses(answer)
        problem = _problem(station, about, found)
        if problem is None:
            return found
        asker.note(f"  {problem}")


def _problem(station: Station, about: Request, found: Mapping[str, object]) -> str | None:
    for name, value in found.items():
        if name in log.ASKED and "." in name:
            if len(str(value)) > log.MAX_TEXT:
                return f"more than {log.MAX_TEXT} characters"
            continue
        try:
            check_answer(station, about, name, str(value))
        except EvkitError as error:
            return error.message + (f"; {error.hint}" if error.hint else "")
    return None


def _witnesses(answer: str) -> dict[str, object]:
    names = [part.strip() for part in answer.split(",") if part.strip()]
    return {f"{scene.WITNESSES}.{n}.name": name for n, name in enumerate(names, start=1)}


def _blocker(
    station: Station, lists: State, asker: Asker, kept: Mapping[str, str]
) -> dict[str, object]:
    """Ask which write blocker is used; those of the station are offered by number."""
    pieces = [
        piece
        for piece in lists.equipment.values()
        if piece.fields.get("what") in _USABLE and "retired" not in piece.fields
    ]
    today = gear.today(station)
    for number, piece in enumerate(pieces, start=1):
        text = f"{piece.name}: {gear.describe(piece)}; {gear.tested(piece, today)}"
        asker.note(f"  {number:>2}  {escape(text)}")
    default = _usual(pieces, kept)
    numbers = f"1-{len(pieces)}, " if len(pieces) > 1 else ("1, " if pieces else "")
    while True:
        answer = asker.line(f"write blocker ({numbers}make, or `{_NONE}`)", default).strip()
        if not answer or scene.is_not_known(answer):
            return {f"{scene.BLOCKER}.make": scene.NOT_KNOWN}
        if answer.lower() == _NONE:
            why = asker.line(scene.WHY_NONE.text, kept.get(scene.WHY_NONE.name)).strip()
            return {scene.WHY_NONE.name: why or scene.NOT_KNOWN}
        if answer.isascii() and answer.isdigit():
            if 0 < int(answer) <= len(pieces):
                return _of_piece(pieces[int(answer) - 1])
            asker.note("  there is no such number")
            continue
        return _typed_blocker(asker, answer, kept)


def _destination(lists: State, asker: Asker, kept: Mapping[str, str]) -> dict[str, object]:
    """Ask for the destination medium; empty where no media are on the list."""
    question = scene.DESTINATION
    media = [medium for medium in lists.media.values() if "retired" not in medium.fields]
    if not media:
        return {}
    for number, medium in enumerate(media, start=1):
        text = f"{medium.label}: {gear.describe_medium(medium)}"
        asker.note(f"  {number:>2}  {escape(text)}")
    default = kept.get(question.name)
    while True:
        shown = f"{question.text} (number, or what is written on it)"
        answer = asker.line(shown, default).strip()
        if not answer or scene.is_not_known(answer):
            return {question.name: scene.NOT_KNOWN}
        if answer == default:
            return {name: value for name, value in kept.items() if name.startswith("destination.")}
        if not (answer.isascii() and answer.isdigit()):
            return {question.name: answer}
        if 0 < int(answer) <= len(media):
            return dict(gear.medium_items(media[int(answer) - 1]))
        asker.note("  there is no such number")


def _usual(pieces: Sequence[Piece], kept: Mapping[str, str]) -> str | None:
    """Return what is offered as the answer: the blocker used last in this case."""
    serial = kept.get(f"{scene.BLOCKER}.serial")
    for number, piece in enumerate(pieces, start=1):
        if serial is not None and piece.fields.get("serial") == serial:
            return str(number)
    return _NONE if scene.WHY_NONE.name in kept else kept.get(f"{scene.BLOCKER}.make")


def _of_piece(piece: Piece) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in ("make", "model", "serial", "firmware"):
        found[f"{scene.BLOCKER}.{name}"] = piece.fields.get(name, scene.NOT_KNOWN)
    last = piece.tests[-1] if piece.tests else None
    text = scene.NOT_KNOWN
    if last is not None:
        text = last.day + (f", {last.result}" if last.result else "")
        text += f", report {last.report}" if last.report else ""
    found[f"{scene.BLOCKER}.tested"] = text
    return found


def _typed_blocker(asker: Asker, make: str, kept: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {f"{scene.BLOCKER}.make": make}
    same = kept.get(f"{scene.BLOCKER}.make") == make
    for question in scene.BLOCKER_QUESTIONS[1:]:
        default = kept.get(question.name) if same else None
        answer = asker.line(question.text, default).strip()
        found[question.name] = answer or scene.NOT_KNOWN
    return found
