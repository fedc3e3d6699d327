"""The forms that the demo's officer fills in, as files for `--fields`."""

from __future__ import annotations

_SEIZURE = """\
place: house 4, street 9, Gulberg
authority_type: warrant_33
authority: warrant 118 of 2026, magistrate Gulberg
seized_from: {name: the tenant, capacity: occupier}
witnesses:
  - {name: first witness, capacity: neighbour}
  - {name: second witness, capacity: shopkeeper}
list_given_to: {name: the tenant}
list_given: on the spot
"""

FORMS = {
    "case.yaml": """\
fir_no: 457/2026
offence: PECA s.14
police_station: Gulberg
authority: warrant 118 of 2026, magistrate Gulberg
""",
    "stick.yaml": _SEIZURE
    + """\
quantity: 1
condition: used, no damage seen
why_seized: no means to copy on the spot
power_state: not applicable
""",
    "delivery.yaml": """\
quantity: 1
condition: new
seal: [P-7]
place: police station Gulberg
authority_type: notice_31
authority: notice of 12 November 2026
seized_from: {name: the provider's liaison officer, capacity: provider}
witnesses:
  - {name: first witness, capacity: clerk}
  - {name: second witness, capacity: constable}
why_seized: delivered by the provider
list_given_to: {name: the provider's liaison officer}
list_given: by hand
""",
    "unseal.yaml": """\
purpose: imaging and taking in
seal: ["E1:S-101", "E2:P-7"]
seal_condition: intact
condition: as registered
place: workstation, police station Gulberg
""",
    "imaging.yaml": """\
authority: warrant 118 of 2026, magistrate Gulberg
purpose: imaging
place: workstation, police station Gulberg
""",
    "provider.yaml": """\
authority: notice of 12 November 2026
purpose: taking in the delivery
place: workstation, police station Gulberg
order: notice of 12 November 2026
period: October 2026
""",
    "seal.yaml": """\
seal: ["E1:S-102", "E2:S-103"]
condition: as registered
place: police station Gulberg
witnesses:
  - {name: first witness, capacity: clerk}
  - {name: second witness, capacity: constable}
""",
}
