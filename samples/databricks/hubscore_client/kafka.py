"""Hubs as Kafka topics, for Structured Streaming."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming import StreamingQuery


def read_hub(spark: SparkSession, kafka: dict, hub: str, starting: str = "earliest") -> DataFrame:
    """A hub as a stream with the columns of the Kafka source. `starting` counts where there is no checkpoint yet."""
    options = kafka | {"subscribe": hub, "startingOffsets": starting, "failOnDataLoss": "false", "maxOffsetsPerTrigger": "200000"}
    return spark.readStream.format("kafka").options(**options).load()


def write_hub(requests: DataFrame, kafka: dict, hub: str, checkpoint: str, **trigger) -> StreamingQuery:
    """Sends a stream's `key` and `value` to a hub. After a failure the last micro-batch may be sent twice: then those requests are
    scored twice, under different `result_id`s and the same `request_id`."""
    limits = {"request.timeout.ms": 60000, "max.request.size": 1000000, "metadata.max.age.ms": 180000, "connections.max.idle.ms": 180000}
    limits = {f"kafka.{name}": str(value) for name, value in limits.items()}
    writer = requests.writeStream.format("kafka").options(**kafka, **limits, topic=hub, checkpointLocation=checkpoint)
    return writer.trigger(**(trigger or {"processingTime": "1 second"})).start()
