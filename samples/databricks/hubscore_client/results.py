"""Results and dead letters: from events to tables, each once."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

RESULT = """request_id string, result_id string, model string, model_version string, prediction string, probabilities map<string, double>,
    confidence double, predictions string, errors string, outputs string, enqueued_at timestamp, timestamp timestamp, latency_ms double, model_ms double,
    requested_version string, fallback boolean, variant string, cached boolean, degraded boolean"""
"""A result's fields. `request_id` and `prediction` may be text or number in JSON; as strings they hold either."""

ROWS = """array<struct<id: string, prediction: string, probabilities: map<string, double>, confidence: double, outputs: string, model_version: string,
    fallback: boolean, degraded: boolean>>"""
ERRORS = "array<struct<index: int, id: string, code: string, message: string>>"
"""What `predictions` and `errors` of a pack hold."""

DEAD_LETTER = """request_id string, result_id string, model string, model_version string,
    error struct<code: string, message: string, stage: string>, attempts int, failed_at timestamp,
    source struct<hub: string, partition: string, sequence_number: long, enqueued_at: timestamp, partition_key: string>,
    body string, body_encoding string"""

RESULT_KEY = ["result_id", "enqueued_at"]
"""A request scored again gives the same two. `enqueued_at` tells the ids of a hub made anew, which count from 0 again, from the old ones."""


def results_from(events: DataFrame) -> DataFrame:
    """A row for each result out of the Kafka source's rows, and `arrived_at`, when it came to the hub."""
    return _bodies(events, RESULT).withColumnRenamed("timestamp", "scored_at")


def rows_from(results: DataFrame) -> DataFrame:
    """The rows of packs one by one, and requests of one instance as they are: `row_id` (else the `request_id`) and `row`, its place. What was passed over has an `error`
    instead of a prediction. `model_version`, `fallback` and `degraded` are those of the row where something stood in for it."""
    own = ["prediction", "probabilities", "confidence", "outputs", "model_version", "fallback", "degraded"]
    packs = results.withColumn("rows", F.from_json("predictions", ROWS)).withColumn("bad", F.from_json("errors", ERRORS))
    each = packs.select("*", F.posexplode_outer("rows").alias("row", "answer"))
    each = each.withColumn("error", F.expr("get(filter(bad, e -> e.index = row), 0)"))
    row_id = F.when(F.col("row").isNull(), F.col("request_id")).otherwise(F.coalesce("answer.id", "error.id"))
    shown = [F.coalesce(f"answer.{name}", name).alias(name) if name in own else F.col(name) for name in results.columns]
    shown = [column for name, column in zip(results.columns, shown, strict=True) if name not in ("predictions", "errors")]
    return each.select(row_id.alias("row_id"), "row", *shown, F.struct("error.code", "error.message").alias("error"))


def dead_letters_from(events: DataFrame) -> DataFrame:
    """The same for the dead-letter hub; `enqueued_at` is the request's."""
    return _bodies(events, DEAD_LETTER).withColumn("enqueued_at", F.col("source.enqueued_at"))


def _bodies(events: DataFrame, schema: str) -> DataFrame:
    parsed = F.from_json(F.col("value").cast("string"), schema)
    return events.select(parsed.alias("r"), F.col("timestamp").alias("arrived_at")).select("r.*", "arrived_at")


def without_repeats(results: DataFrame, within: str = "1 hour") -> DataFrame:
    """Drops repeats that come within that time of each other, in a stream; for sinks other than Delta. Spark keeps the keys of that time."""
    return results.withWatermark("arrived_at", within).dropDuplicatesWithinWatermark(RESULT_KEY)


def create_table(spark: SparkSession, table: str, like: DataFrame) -> None:
    """An empty Delta table for such rows, unless it is there; one that is there gets the columns that it lacks."""
    columns = {field.name: f"`{field.name}` {field.dataType.simpleString()}" for field in like.schema.fields}
    spark.sql(f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(columns.values())}) USING delta")
    lacking = [column for name, column in columns.items() if name not in spark.table(table).columns]
    if lacking:
        spark.sql(f"ALTER TABLE {table} ADD COLUMNS ({', '.join(lacking)})")


def merge_into(table: str):
    """For `foreachBatch`: inserts what the table has not got yet. It keeps no state and knows repeats however late they come, also those
    that Spark itself makes by doing a micro-batch again."""

    def merge(batch: DataFrame, _batch_id: int) -> None:
        fresh = batch.where("result_id IS NOT NULL").dropDuplicates(RESULT_KEY)
        fresh.createOrReplaceTempView("fresh_results")
        same = " AND ".join(f"t.{column} = s.{column}" for column in RESULT_KEY)
        fresh.sparkSession.sql(f"MERGE INTO {table} t USING fresh_results s ON {same} WHEN NOT MATCHED THEN INSERT *")

    return merge
