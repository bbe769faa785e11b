# Databricks notebook source
# MAGIC %md
# MAGIC # Score a table in bulk
# MAGIC The same ONNX file and card as the stream, read from Blob Storage once and run on the executors with `mapInPandas`.

# COMMAND ----------

# MAGIC %pip install --quiet -r requirements.txt

# COMMAND ----------

# MAGIC %run ./00_connect

# COMMAND ----------

from hubscore_client.bulk import score_table
from hubscore_client.models import read_model

model = read_model(hubs.models(), "diabetes")
print(model.label)
scored = score_table(spark.table(patients), model, keep=["patient", "target"])
scored.write.format("delta").mode("overwrite").saveAsTable(f"{schema}.scored")

# COMMAND ----------

# MAGIC %md
# MAGIC Beside what the stream gave for the same rows (02 and 03): the same predictions, the same probabilities.

# COMMAND ----------

different = spark.sql(f"""
    SELECT r.request_id, r.prediction, s.prediction AS in_bulk, r.confidence, s.confidence AS confidence_in_bulk
    FROM {schema}.results r JOIN {schema}.scored s ON r.request_id = s.patient AND r.model_version = s.model_version
    WHERE NOT (r.prediction <=> s.prediction AND abs(r.confidence - s.confidence) < 1e-6)""")
display(different)
assert different.count() == 0
