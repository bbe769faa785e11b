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
# MAGIC Beside what the stream gave for the same rows (02 and 03): the same predictions, the same probabilities. Only results of the same version say anything; where there are none,
# MAGIC since production has changed meanwhile, it says so: send the rows again, or read the version that the stream had.

# COMMAND ----------

from hubscore_client.bulk import beside_stream

compared = beside_stream(spark.table(f"{schema}.results"), spark.table(f"{schema}.scored"), row_id="patient")
different = compared.where("NOT same")
display(different)
print(compared.count(), "rows compared")
assert different.count() == 0
