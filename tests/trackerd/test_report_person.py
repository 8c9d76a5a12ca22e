"""A warden's own copy: everything kept of one person, nothing of another, and the asking is kept first."""

from __future__ import annotations

import pytest

from geofence.calendar import Window
from geofence.model import Fixes, Micros, RequirementId, WardenId, ZoneId
from geofence.verdict import Case, Gap, Outcome, Terms, Verdict
from tests.trackerd.reporting import TOWN, at, keep_fixes, keep_visits, record, track, visit
from trackerd.report.formats import as_json, terminal
from trackerd.report.person import person
from trackerd.report.person_page import person_page
from trackerd.report.record import ReportFault
from trackerd.report.speech import Speech
from trackerd.store import Asking, Batch, Break, Docketed, Judgement, MemoryStore

ANNA, BERT = WardenId("gw-1"), WardenId("gw-2")
PERIOD = Window(at("2026-05-19T00:00"), at("2026-05-20T00:00"))


@pytest.fixture
def store() -> MemoryStore:
    made = MemoryStore()
    began, ended = at("2026-05-19T09:00"), at("2026-05-19T09:10")
    keep_fixes(made, track("w1", began, [0.0] * 5), ANNA)
    keep_fixes(made, track("w2", began, [900.0] * 7), BERT)
    keep_visits(made, (visit("a", "box-1", began, ended), ANNA), (visit("b", "box-2", began, ended, "w2"), BERT))
    gap = Gap(ANNA, Micros(began), Micros(ended))
    for zone, verdict in (
        ("box-1", Verdict(Outcome.UNPROVEN, ended, gaps=(gap,))),
        ("box-2", Verdict(Outcome.MISSED, ended, seen_elsewhere=(ANNA, BERT))),
        ("box-3", Verdict(Outcome.MISSED, ended, seen_elsewhere=(BERT,))),
    ):
        case = Case(RequirementId("boxes"), ZoneId(zone), Window(began, ended), Terms())
        made.commit(Batch(Fixes.of(()), judgement=Judgement([Docketed(case, verdict=verdict, closed=True)])))
    breaks = [
        Break(ANNA, began, ended, "phone"),
        Break(BERT, began, ended),
        Break(ANNA, at("2026-05-01T09:00"), at("2026-05-01T10:00")),
    ]
    made.commit(Batch(Fixes.of(()), breaks=breaks))
    for about in (ANNA, BERT):
        made.ask(Asking(ended, "coordinator", "warden", about, began, ended, "a complaint"))
    made.ask(Asking(ended, "coordinator", "place", "50.90, 4.20, 50 m", began, ended, "a complaint"))
    return made


def test_everything_of_one_and_nothing_of_another(store: MemoryStore) -> None:
    found = person(record(store), ANNA, PERIOD, "anna", "my right")
    assert [({fixes.devices[int(d)] for d in fixes.device}, len(fixes)) for fixes in found.fixes] == [({"w1"}, 5)]
    assert [kept.visit.id for kept in found.visits] == ["a"]
    assert {one.case.zone for one in found.named} == {"box-1", "box-2"}
    assert [(one.warden, one.by) for one in found.breaks] == [(ANNA, "phone")]
    assert [(one.by, one.question) for one in found.askings] == [
        ("coordinator", "warden"), ("coordinator", "place"), ("anna", "warden"),
    ]  # fmt: skip


def test_the_page_says_it(store: MemoryStore) -> None:
    found = person(record(store), ANNA, PERIOD, "anna", "my right")
    page = person_page(found, "my right", {ZoneId("box-1"): "Markt"}, Speech("nl", TOWN))
    text = terminal(page)
    assert "Markt" in text
    assert "50.900000" in text
    assert "gw-2" not in text
    assert '"positions"' in as_json(page)


def test_no_purpose_no_answer(store: MemoryStore) -> None:
    before = store.askings(0, at("2027-01-01T00:00"))
    with pytest.raises(ReportFault, match="--purpose"):
        person(record(store), ANNA, PERIOD, "anna", " ")
    assert store.askings(0, at("2027-01-01T00:00")) == before
