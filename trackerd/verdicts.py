"""The verdict step of a turn: what the plan asked, against the record as it stands.

What must stay true here: judging again gives the same, live, in replay and after a restart; a verdict that changes is
taken back and told anew with a higher revision, and no other is; what was decided is committed with the word that it
was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from geofence.model import EVER, SECOND, DeviceId, Fixes, Micros
from geofence.verdict import Case, Outcome, Verdict
from geofence.wire import due_event, verdict_event, verdict_retraction
from trackerd.bench import Bench
from trackerd.docket import DAY, closes, due_at
from trackerd.failpoint import fail_point
from trackerd.house import House
from trackerd.store import Batch, Docketed, Judgement, Told

AFTER = 3600 * SECOND
"""What comes late may change what was believed of visits so long before it."""
LOOK_US = 30 * SECOND
"""Windows that are open are looked at so often, for being met or due."""
FRONTIER_US = 60 * SECOND
"""A frontier is worth a commit of its own so often."""
LATE = "late data"
PLAN = "the plan was changed"
WAIVED = "a waiver was written or undone"


def decide(house: House, now: Micros) -> list[Told]:
    """Judge what can be judged by ``now``, and judge again what has changed; return the news. Raises StoreError."""
    docket = house.docket
    if docket.frontier is None:
        return []
    now = max(now, docket.frontier)  # a clock set back must not lay open again what was gone through
    again = house.store.rejudge() if docket.quiet(now, house.patience_s) else {}
    for device in house.store.dirty() if again else ():  # its record could not be revised yet
        again.pop(device, None)
    step = _Step(house, Bench(house, now), now)
    step.close(min(again.values(), default=now))
    if docket.moved or again or now >= docket.looked + LOOK_US:
        step.look(anew=docket.moved or bool(again) or docket.looked == EVER)
    step.judge_again(again)
    return step.commit(again)


@dataclass
class _Step:
    """What one step brings about."""

    house: House
    bench: Bench
    now: Micros
    cases: dict[str, Docketed] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    looked: bool = False

    def close(self, since: Micros) -> None:
        """Judge the windows that have ended and are ready; ``since``: fixes of then may show an earlier beginning."""
        docket = self.house.docket
        assert docket.frontier is not None
        ended = docket.ended(docket.frontier, self.now, self.house.editions)
        if since < docket.began:
            known = {one.case.id for one in self.house.store.docket(since, docket.began)}
            early = docket.ended(since, docket.began, self.house.editions)
            ended = [case for case in early if case.id not in known] + ended
        waiting = {id_: one for id_, one in docket.open.items() if one.case.window.end <= self.now}
        waiting |= {case.id: self._resumed(self.bench.docketed(case)) for case in ended}
        for one in waiting.values():
            verdict = self.bench.verdict(one) if self.bench.ready(one) else None
            if verdict is not None:
                self._settle(replace(one, closed=True), verdict)
            elif one != docket.open.get(one.case.id):
                self.cases[one.case.id] = one

    def look(self, *, anew: bool) -> None:
        """Look at the windows that are open: which are met, which are due, which are no longer owed.

        ``anew``: also whether those told to be met still are.
        """
        docket, self.looked = self.house.docket, True
        current = {case.id: case for case in docket.current(self.now, self.house.editions)}
        for one in list(docket.open.values()):
            if one.case.window.end > self.now and one.case.id not in current:
                self._take_back(one, PLAN)
        docket.due, docket.warned = {}, docket.warned & current.keys()
        docket.seen = {} if docket.moved else {id_: kept for id_, kept in docket.seen.items() if id_ in current}
        for id_, case in current.items():
            told = docket.open.get(id_)
            if told is not None and not anew:
                continue
            one = self._resumed(self.bench.docketed(case))
            if not self._met(one):
                if told is not None:
                    self._take_back(one, self._because(one))
                self._remind(one)

    def judge_again(self, again: Mapping[DeviceId, Micros]) -> None:
        """Judge the closed cases again that the late fixes of these devices may turn round."""
        for one in list(_concerned(self.house, again)):
            verdict = self.bench.verdict(one)
            if verdict is not None:
                self._settle(one, verdict)

    def commit(self, again: Mapping[DeviceId, Micros]) -> list[Told]:
        """Commit what there is, if anything."""
        docket = self.house.docket
        assert docket.frontier is not None
        events: list[Told] = []
        if self.cases or self.told or again or self.now >= docket.frontier + FRONTIER_US:
            judgement = Judgement(list(self.cases.values()), self.wrong, list(again), self.now)
            fail_point("before-judgement")
            batch = Batch(Fixes.of(()), judgement=judgement, events=self.told, routes=self.house.routes)
            events = self.house.commit(batch).events
            fail_point("after-judgement")
            docket.reach(self.now, again.values())
            for one in self.cases.values():
                docket.note(one)
        if self.looked:
            docket.looked, docket.moved = self.now, False
        self.house.counts.retracted += len(self.wrong)
        return events

    def _met(self, one: Docketed) -> bool:
        """Tell if a window is met before its end; judged only if other visits are known than the last time."""
        docket, kept = self.house.docket, self.bench.visits(one.case)
        if not kept or docket.seen.get(one.case.id) == kept:
            return False
        verdict = self.bench.verdict(one, met=True)
        if verdict is None or verdict.outcome is not Outcome.MET:
            docket.seen[one.case.id] = kept
            return False
        self._settle(one, verdict)
        return True

    def _remind(self, one: Docketed) -> None:
        """Say that something is due, if it is."""
        case, docket = one.case, self.house.docket
        if (one.duties is not None and not one.duties) or self.bench.waived(case) is not None:
            return
        docket.due[case.zone] = min(case.window.end, docket.due.get(case.zone, case.window.end))
        if self.now >= due_at(case) and case.id not in docket.warned:
            docket.warned.add(case.id)
            at, zone = due_at(case), self.bench.zone(case)
            self._tell(case, at, due_event(case, at, self.house.source, self.now, zone))

    def _resumed(self, one: Docketed) -> Docketed:
        """Carry over what was told of a case before."""
        docket, id_ = self.house.docket, one.case.id
        told = docket.open.get(id_) or docket.shelved.get(id_)
        return one if told is None else replace(one, verdict=told.verdict, event=told.event, revision=told.revision)

    def _settle(self, one: Docketed, verdict: Verdict) -> None:
        """Keep what was found of a case; tell it, if it says something else than what was told."""
        settled = replace(one, verdict=verdict)
        if one.verdict is None or not _alike(one.verdict, verdict):
            if one.verdict is not None:
                settled = replace(settled, revision=self._retract(one, self._because(one)))
            settled = replace(settled, event=self._say(settled, verdict))
        if settled != self.house.docket.open.get(one.case.id):
            self.cases[one.case.id] = settled

    def _say(self, one: Docketed, verdict: Verdict) -> str:
        """Tell a verdict; return the id of what tells it."""
        if not self.house.worded:
            return one.case.id
        zone = self.bench.zone(one.case)
        body = verdict_event(one.case, verdict, one.revision, self.house.source, self.now, zone)
        self._tell(one.case, verdict.at, body)
        return str(body["id"])

    def _take_back(self, one: Docketed, because: str) -> None:
        """Take back what was told, with nothing to tell instead."""
        revision = self._retract(one, because)
        self.cases[one.case.id] = replace(one, verdict=None, event=None, closed=True, revision=revision)

    def _retract(self, one: Docketed, because: str) -> int:
        """Take back what was told; return the revision of what is told next."""
        assert one.event is not None
        assert one.verdict is not None
        self.wrong.append(one.event)
        at, zone = one.verdict.at, self.bench.zone(one.case)
        body = verdict_retraction(one.case, one.event, because, self.house.source, self.now, zone, one.revision)
        self._tell(one.case, at, body)
        return one.revision + 1

    def _because(self, one: Docketed) -> str:
        """Say why it is no longer what it was."""
        if one.case.id in self.house.docket.reopened:
            return WAIVED
        was = self.house.docket.open.get(one.case.id, one)
        changed = self.house.docket.moved or (was.case, was.duties, was.by) != (one.case, one.duties, one.by)
        return PLAN if changed else LATE

    def _tell(self, case: Case, at: Micros, body: dict[str, Any]) -> None:
        self.told.append(Told(str(body["id"]), str(body["type"]), at, body, case.zone))


def _alike(told: Verdict, verdict: Verdict) -> bool:
    """Return whether what was told still holds: a requirement met stays met, whoever else comes by."""
    if told.outcome is verdict.outcome is Outcome.MET:
        return told.at == verdict.at
    return told == verdict


def _concerned(house: House, again: Mapping[DeviceId, Micros]) -> Iterable[Docketed]:
    """Return the closed cases that such late fixes may turn round; none of which exact positions are gone."""
    if not again:
        return
    for one in house.store.docket(min(again.values()) - DAY, house.docket.judged):
        provable = one.case.window.start > house.reach
        if provable and one.closed and one.verdict is not None and min(again.values()) < closes(one.case) + AFTER:
            yield one
