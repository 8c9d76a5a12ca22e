"""What was said held against what was true.

What must stay true here: a visit that overlaps no true stay at all is false; of several visits within one true stay
all but one are torn off; the measure of agreement (F1) pairs visits one to one, and where a true stay or a visit
said is near the least length asked for, it is not held against anyone which side of it the other fell.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Span = tuple[float, float]


@dataclass
class Score:
    """Counts; add them up over scenarios."""

    true: int = 0
    said: int = 0
    found: int = 0
    matched: int = 0
    wrong: int = 0
    false: int = 0
    torn: int = 0
    merged: int = 0
    edges_s: list[float] = field(default_factory=list)
    latency_s: list[float] = field(default_factory=list)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall of visits."""
        missed = self.true - self.matched
        return 2 * self.matched / max(2 * self.matched + missed + self.wrong, 1)

    def line(self) -> dict[str, float]:
        """Return the figures."""
        edges = np.abs(self.edges_s) if self.edges_s else np.array([np.nan])
        late = np.array(self.latency_s) if self.latency_s else np.array([np.nan])
        return {
            "true": self.true, "said": self.said, "F1": round(self.f1, 4), "found": self.found,
            "wrong": self.wrong, "false": self.false, "torn": self.torn, "merged": self.merged,
            "edge_s": round(float(np.median(edges)), 1), "edge90_s": round(float(np.quantile(edges, 0.9)), 1),
            "bias_s": round(float(np.mean(self.edges_s)) if self.edges_s else np.nan, 1),
            "latency_s": round(float(np.median(late)), 1),
        }  # fmt: skip


def overlap(a: Span, b: Span) -> float:
    """Return the seconds two spans share."""
    return min(a[1], b[1]) - max(a[0], b[0])


def score(into: Score, true: list[Span], said: list[Span], decided: list[float], least_s: float = 60.0) -> None:
    """Hold the visits said of one walker and zone against the true stays."""
    long = [span for span in true if span[1] - span[0] >= least_s]
    into.true += len(long)
    into.said += len(said)
    into.false += sum(all(overlap(v, t) <= 0 for t in true) for v in said)
    taken: set[int] = set()
    for t in long:
        hits = [i for i, v in enumerate(said) if overlap(v, t) > 0]
        into.found += bool(hits)
        into.torn += max(sum(_mostly(said[i], t) for i in hits) - 1, 0)
        free = [i for i in hits if i not in taken]
        if not free:
            into.merged += bool(hits)
            continue
        best = max(free, key=lambda i: overlap(said[i], t))
        taken.add(best)
        into.matched += 1
        into.edges_s += [said[best][0] - t[0], said[best][1] - t[1]]
        into.latency_s.append(decided[best] - t[0])
    for i, v in enumerate(said):
        if (
            i not in taken
            and v[1] - v[0] >= least_s
            and not any(overlap(v, t) > 0 and t[1] - t[0] >= least_s / 2 and t not in long for t in true)
        ):
            into.wrong += 1


def _mostly(visit: Span, stay: Span) -> bool:
    return overlap(visit, stay) > 0.5 * (visit[1] - visit[0])
