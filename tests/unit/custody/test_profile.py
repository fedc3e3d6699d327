"""Profiles are data, read strictly."""

from __future__ import annotations

import copy

import pytest

from evkit.core.data import load_yaml, package_file
from evkit.core.errors import InputError, UsageError
from evkit.custody.profile import PROFILES, load_profile, parse_profile


def raw(name="pk"):
    return copy.deepcopy(load_yaml(package_file("custody", f"profiles/{name}.yaml")))


@pytest.mark.parametrize("name", PROFILES)
def test_what_ships_is_valid_and_not_reviewed(name):
    profile = load_profile(name)
    assert profile.id == name
    assert profile.reviewed_by is None
    assert "NOT REVIEWED BY COUNSEL" in profile.review_line()
    assert profile.as_of in profile.review_line()


def test_pakistan():
    profile = load_profile("pk")
    assert (profile.tz, profile.offset) == ("Asia/Karachi", "+05:00")
    assert profile.witnesses_min == 2
    assert profile.deadline("court-24h").hours == 24
    assert profile.deadline("nothing") is None
    assert {s.id for s in profile.statements} >= {"working_order", "security_procedure"}


def test_reviewed_by_is_printed():
    value = raw()
    value["reviewed_by"] = "A. Lawyer, 2026-12-01"
    assert "reviewed by A. Lawyer" in parse_profile(value).review_line()


def test_no_such_profile():
    with pytest.raises(UsageError):
        load_profile("../pk")


def _with(path, new):
    value = raw()
    part = value
    for key in path[:-1]:
        part = part[key]
    if new is None and path[-1] in part:
        del part[path[-1]]
    else:
        part[path[-1]] = new
    return value


@pytest.mark.parametrize(
    ("path", "new"),
    [
        (["colour"], "red"),
        (["schema"], "evkit/profile/2"),
        (["title"], None),
        (["title"], 3),
        (["id"], "PK"),
        (["as_of"], "soon"),
        (["locale"], "en"),
        (["late_entry_hours"], True),
        (["late_entry_hours"], -1),
        (["tz", "offset"], "5"),
        (["tz", "dst"], "yes"),
        (["tz", "extra"], []),
        (["witnesses", "min"], "two"),
        (["witnesses", "kinds"], ["teleport"]),
        (["required", "seal"], ["colour"]),
        (["required", "teleport"], ["place"]),
        (["required", "seal"], "place"),
        (["roles", "seal"], ["king"]),
        (["documents", "manifest"], 3),
        (["deadlines", 0, "after"], ["teleport"]),
        (["deadlines", 0, "hours"], "24"),
        (["deadlines", 0, "colour"], "red"),
        (["authority_types", 0, "source"], None),
        (["statements"], {}),
    ],
)
def test_every_slip_is_an_error(path, new):
    with pytest.raises(InputError):
        parse_profile(_with(path, new))


@pytest.mark.parametrize("value", [None, [], "x", {1: 2}, {}])
def test_not_a_profile(value):
    with pytest.raises(InputError):
        parse_profile(value)
