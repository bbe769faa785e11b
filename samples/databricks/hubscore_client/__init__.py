"""What the notebooks beside this folder do, as plain functions: they run on a driver, in a job or on a laptop alike."""

REQUESTS, RESULTS, DEAD_LETTERS, LABELS = (
    "inference-requests",
    "inference-requests-results",
    "inference-dead-letter",
    "inference-labels",
)
