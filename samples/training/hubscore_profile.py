"""What training data looks like, for drift: `profile.json` beside the model, as `hubscore models push --profile train.csv` makes it. See docs/drift.md."""

from collections import Counter

import numpy as np

DECILES, TOP, CONFIDENCE_BINS = 10, 50, 20


def profile(features: list[dict], columns: dict, labels=None, confidences=None) -> dict:
    """Of the card's features by name, each a column of values as requests give them: before scaling and encoding; None or NaN is missing. `labels` and `confidences`: what the model itself says of the rows."""
    rows = max((len(column) for column in columns.values()), default=0)
    made = {"schema": 1, "rows": rows, "reference": {"kind": "training"}, "features": [_feature(f, columns.get(f["name"])) for f in features]}
    if labels is not None and confidences is not None:
        made["classes"] = dict(sorted(Counter(_json(label) for label in labels).items()))
        bins = np.clip((np.asarray(confidences, float) * CONFIDENCE_BINS).astype(int), 0, CONFIDENCE_BINS - 1)
        made["confidences"] = np.bincount(bins, minlength=CONFIDENCE_BINS).tolist()
    return made


def _json(label) -> str:
    return f'"{label}"' if isinstance(label, str) else str(int(label))


def _feature(feature: dict, column) -> dict:
    about = {key: feature[key] for key in ("name", "input") if key in feature}
    if column is None or feature.get("type") == "tensor":
        return about | {"type": "unwatched"}
    fill = feature.get("missing", {}).get("fill")
    return about | (_text(column, fill is not None) if feature.get("type") == "string" else _number(column))


def _number(column) -> dict:
    values = np.asarray([np.nan if value is None else value for value in column], float)
    known = np.sort(values[np.isfinite(values)])
    if len(known) == 0:
        return {"type": "unwatched"}
    deciles = [float(known[i * len(known) // DECILES]) for i in range(DECILES)]
    largest = float(known[-1])
    edges = set(deciles)
    for value, following in zip(deciles, [*deciles[1:], largest], strict=True):
        above = known[known > value]
        if value == following and len(above):  # it fills a decile by itself: a bin of its own
            edges.add(float(above[0]))
    edges = [*sorted(edges), largest]
    # As float32, which requests are compared as, too: whether the training data went through it makes no difference then.
    bounds, rounded = np.asarray(edges, np.float32), known.astype(np.float32)
    place = np.where(rounded == bounds[-1], len(edges) - 1, np.searchsorted(bounds, rounded, side="right"))
    counts = np.bincount(place, minlength=len(edges) + 1).tolist()
    spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
    return {"type": "number", "edges": edges, "counts": counts, "missing": int(len(values) - len(known)),
            "min": float(known[0]), "max": largest, "mean": float(known.mean()), "sd": spread}


def _text(column, empty_is_missing: bool) -> dict:
    known = [str(value) for value in column if value is not None and value == value and not (empty_is_missing and value == "")]
    least = 2 if len(column) < 500 else 5
    ranked = sorted(Counter(known).items(), key=lambda item: (-item[1], item[0]))
    top = [[text, many] for text, many in ranked[:TOP] if many >= least]
    made = {"type": "string", "top": top, "other": len(known) - sum(many for _, many in top), "missing": len(column) - len(known)}
    return made | ({"empty_is_missing": True} if empty_is_missing else {})
