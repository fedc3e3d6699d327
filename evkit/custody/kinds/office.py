"""Kinds of the station and of the life of a case: genesis, keys, cases, notes, papers."""

from __future__ import annotations

from evkit.custody.kinds.model import (
    CUSTODIAN,
    OFFICER,
    PROSECUTOR,
    RECORDABLE,
    SUPERVISOR,
    choice,
    field,
    kind,
    private,
    text,
)

_KEY = (
    text("officer", "short name of the officer", required=True),
    text("name", "full name"),
    text("rank", "rank"),
    text("badge", "badge or belt number"),
    text("agency", "agency"),
    text("unit", "unit"),
    field("roles", "list", "roles in the certificate"),
    field("certificate", "digest", "SHA-256 of the certificate"),
    text("certificate_pem", "the certificate itself"),
    text("serial", "serial number of the certificate"),
    text("not_before", "start of validity"),
    text("not_after", "end of validity"),
    text("proof", "signature of the new key over the enrolment"),
)

KINDS = (
    kind(
        "station", "station", "the ledger begins: station statement and root",
        (
            text("name", "name of the station", required=True),
            text("agency", "agency"),
            text("unit", "unit"),
            text("origin", "origin line of the ledger", required=True),
            text("profile", "profile of the station"),
            text("log_key", "public key of the log, as a vkey"),
            field("statement", "digest", "event id of the station statement"),
            field("root", "digest", "SHA-256 of the agency root certificate"),
            text("previous_origin", "origin of the ledger that this one continues"),
            field("previous", "object", "last head of that ledger held outside"),
        ),
    ),
    kind("enrol", "station", "an officer's key is certified and put to use", _KEY),
    kind(
        "revoke", "station", "an officer's key is no longer valid",
        (
            *_KEY,
            text("reason", "why", required=True),
            field("compromise", "flag", "someone else may have used the key"),
            text("invalid_from", "from when signatures do not count"),
        ),
    ),
    kind(
        "recover", "station", "the station was rebuilt after a loss",
        (
            text("reason", "what was lost and how"),
            text("previous_origin", "origin of the lost ledger"),
            field("previous", "object", "last head of it held outside"),
            field("entries", "integer", "entries that could be restored"),
        ),
    ),
    kind(
        "case-open", "case", "open a case",
        (
            text("title", "short title"),
            text("fir_no", "FIR number and year"),
            text("offence", "offence and sections of law"),
            text("police_station", "police station or circle"),
            text("district", "district"),
            text("court", "court"),
            text("court_no", "number of the case in court"),
            text("investigating_officer", "officer in charge of the investigation"),
            text("previous_reference", "number of the case at another agency"),
            text("profile", "profile of the case, if not that of the station"),
            private("victim", "people", "victims"),
            private("suspect", "people", "suspects or accused"),
            private("complainant", "people", "complainants"),
        ),
        roles=(OFFICER, SUPERVISOR),
    ),
    kind(
        "case-close", "case", "close a case",
        (
            text("outcome", "how the case ended"),
            text("court_no", "number of the case in court"),
        ),
        roles=(OFFICER, SUPERVISOR, PROSECUTOR),
    ),
    kind(
        "note", "case", "note something about a case or exhibits",
        (
            text("text", "the note", required=True),
            choice("about", "what it is about", "report", "request", "decision", "observation",
                   "other"),
            private("person", "person", "a person the note is about"),
            text("reference", "number of a letter or an order"),
        ),
        traits=(RECORDABLE,),
    ),
    kind(
        "correct", "case", "correct an earlier entry; both stay readable",
        (
            field("corrects", "digest", "event id, or number of the entry", required=True),
            field("values", "values", "the right values, field by field"),
            text("text", "what was wrong and why"),
        ),
        traits=(RECORDABLE,),
    ),
    kind(
        "incident", "case", "something went wrong: loss, damage, a broken seal",
        (
            text("text", "what happened", required=True),
            choice("outcome", "what it means for the exhibit", "seal-broken", "damaged", "lost",
                   "found", "other"),
            text("reported_to", "who was told"),
            text("holder", "who has the exhibit now"),
            text("location", "where it is now"),
            field("seal", "list", "seal numbers, as read; over several exhibits `E1:S-101`"),
        ),
        traits=(RECORDABLE,),
    ),
    kind(
        "memo", "station", "a head of the ledger was put on paper",
        (
            field("size", "integer", "size of the head"),
            field("root", "digest", "root of the head"),
            text("case", "case whose exhibits the memo lists"),
            text("memo_no", "number of the memo"),
            text("given_to", "who received it"),
            text("remarks", "anything a reader should know"),
        ),
    ),
    kind(
        "bundle", "case", "a bundle was made for somebody outside",
        (
            text("bundle_id", "identifier of the bundle"),
            text("recipient", "for whom it was made"),
            choice("form", "folder or zip", "folder", "zip"),
            field("exhibits", "refs", "exhibits described in it"),
            field("enclosed", "refs", "acquisitions whose data are enclosed"),
            field("withheld", "integer", "personal values that were withheld"),
            field("with_exhibits", "flag", "evidence data are enclosed"),
            field("with_sensitive", "flag", "sensitive material is enclosed too"),
            text("medium", "label and serial number of the medium"),
        ),
        roles=(OFFICER, CUSTODIAN, SUPERVISOR, PROSECUTOR),
    ),
)  # fmt: skip
