# Databricks notebook source
# MAGIC %md
# MAGIC # Results into Delta tables, each once
# MAGIC A result can come twice: where a function was killed between sending and checkpointing, or where Spark does a micro-batch again.
# MAGIC Repeats have the same `result_id`.

# COMMAND ----------

# MAGIC %pip install --quiet -r requirements.txt

# COMMAND ----------

# MAGIC %run ./00_connect

# COMMAND ----------

from hubscore_client import DEAD_LETTERS, RESULTS
from hubscore_client.kafka import read_hub
from hubscore_client.results import create_table, dead_letters_from, merge_into, results_from, without_repeats

# COMMAND ----------

# MAGIC %md
# MAGIC By `MERGE`: it knows a repeat however late it comes, and keeps no state. `availableNow` reads what is there and ends; without a
# MAGIC trigger it goes on.

# COMMAND ----------

queries = []
for hub, rows_from, table in [(RESULTS, results_from, f"{schema}.results"), (DEAD_LETTERS, dead_letters_from, f"{schema}.dead_letters")]:
    rows = rows_from(read_hub(spark, hubs.kafka, hub))
    create_table(spark, table, like=rows)
    writer = rows.writeStream.foreachBatch(merge_into(table)).option("checkpointLocation", f"{checkpoints}/{table}")
    queries.append(writer.trigger(availableNow=True).start())
for query in queries:
    query.awaitTermination()

# COMMAND ----------

# MAGIC %md
# MAGIC By watermark: appends only, for any sink and the lowest latency; repeats must come within the hour.

# COMMAND ----------

once = without_repeats(results_from(read_hub(spark, hubs.kafka, RESULTS)), within="1 hour")
writer = once.writeStream.option("checkpointLocation", f"{checkpoints}/results_appended")
writer.trigger(availableNow=True).toTable(f"{schema}.results_appended").awaitTermination()

# COMMAND ----------

display(spark.table(f"{schema}.results"))

# COMMAND ----------

# MAGIC %md
# MAGIC Row by row: packs taken apart, a bad row with what is wrong with it.

# COMMAND ----------

from hubscore_client.results import rows_from

rows_from(spark.table(f"{schema}.results")).write.mode("overwrite").saveAsTable(f"{schema}.result_rows")
display(spark.table(f"{schema}.result_rows").where("row IS NOT NULL"))

# COMMAND ----------

display(spark.sql(f"SELECT error.code, count(*) AS letters, first(error.message) AS example FROM {schema}.dead_letters GROUP BY error.code"))
