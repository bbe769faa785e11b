"""What labels say of a rollout: the evidence that `rollout status` shows for accuracy_drop, from a table of results and what turned out to be right."""

import math
from typing import NamedTuple

LEAST_LABELS = 100
"""An arm: below it the evidence, which is asymptotic, says nothing."""
TAU = 0.05


class Verdict(NamedTuple):
    verdict: str
    """pass, fail, or undecided."""
    candidate: float | None
    production: float | None
    """Shares of right answers."""
    fail_evidence: float
    pass_evidence: float
    threshold: float


def accuracy_verdict(candidate: tuple[int, int], production: tuple[int, int], drop: float = 0.05, alpha: float = 0.05, triggers: int = 4) -> Verdict:
    """Each arm as (right, labels). Fails where the candidate is shown to be right less often by more than `drop`, passes where the contrary is shown;
    valid however often it is asked (half-normal mixture SPRT: Johari, Koomen, Pekelis, Walsh). `alpha` is shared by the rollout's triggers."""
    threshold = math.log(triggers / alpha)
    shares = [right / labels if labels else None for right, labels in (candidate, production)]
    if min(candidate[1], production[1]) < LEAST_LABELS:
        return Verdict("undecided", *shares, 0.0, 0.0, threshold)
    difference = shares[1] - shares[0] - drop
    variance = sum(_variance(*arm) for arm in (candidate, production))
    fails, passes = _evidence(difference, variance), _evidence(-difference, variance)
    verdict = "fail" if fails >= threshold else "pass" if passes >= threshold else "undecided"
    return Verdict(verdict, *shares, fails, passes, threshold)


def _variance(right: int, labels: int) -> float:
    share = (right + 0.5) / (labels + 1)
    return share * (1 - share) / labels


def _evidence(d: float, v: float) -> float:
    """That a difference is above zero: ln of the likelihood ratio."""
    mixed = v + TAU * TAU
    tail = math.erfc(-TAU * d / math.sqrt(2 * v * mixed))  # twice the normal distribution's
    return 0.5 * math.log(v / mixed) + (TAU * d) ** 2 / (2 * v * mixed) + (math.log(tail) if tail > 0 else -math.inf)


def show(found: Verdict) -> str:
    """For a person."""
    percent = lambda share: "no labels" if share is None else f"{share:.1%} right"
    return (f"{found.verdict}: candidate {percent(found.candidate)}, production {percent(found.production)}; "
            f"evidence that it is worse {found.fail_evidence:.2f}, that it is not {found.pass_evidence:.2f}; {found.threshold:.2f} decides")
