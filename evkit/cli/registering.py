"""Registering an exhibit on the way, when a command finds that it is not registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evkit.cli import prompts
from evkit.core.errors import CaseError

if TYPE_CHECKING:
    from evkit.cli.session import Recording, Session
    from evkit.station import Station


def offer_registration(
    session: Session, station: Station, recording: Recording, exhibit: str
) -> None:
    """Offer, on a terminal, to register an exhibit that is not; elsewhere the action refuses."""
    from evkit.actions import custody
    from evkit.actions import exhibit as exhibits
    from evkit.core.refs import parse_ref

    ref = parse_ref(exhibit).of_exhibit()
    if not session.interactive() or session.json:
        return
    replayed = station.state(ref.case)
    custody.require_case(replayed, ref.case)
    try:
        custody.require_exhibit(replayed, str(ref))
    except CaseError:
        if not prompts.yes(f"`{ref}` is not registered; register it now?"):
            raise
        what = prompts.line("what is it, so that a stranger would recognise it", default=None)
        request = custody.Request(kind="register", refs=(str(ref),), values={"what": what})
        signer = session.signer(station, recording.officer)
        done = exhibits.register(station, signer, request)
        session.registered(done.lines())
