# Databricks notebook source
# MAGIC %md
# MAGIC # Requests from a DataFrame, by Structured Streaming
# MAGIC Each row that comes into the table becomes a request, by the Kafka endpoint of the namespace.

# COMMAND ----------

# MAGIC %pip install --quiet -r requirements.txt

# COMMAND ----------

# MAGIC %run ./00_connect

# COMMAND ----------

from hubscore_client import REQUESTS
from hubscore_client.kafka import write_hub
from hubscore_client.requests import requests_from

rows = spark.readStream.table(patients)
requests = requests_from(rows, model="diabetes", features=features, request_id="patient", key="patient")

# COMMAND ----------

# MAGIC %md
# MAGIC `availableNow` sends what is there and ends, which suits a job; without it the stream goes on, a micro-batch a second.

# COMMAND ----------

query = write_hub(requests, hubs.kafka, REQUESTS, f"{checkpoints}/requests", availableNow=True)
query.awaitTermination()

# COMMAND ----------

# MAGIC %md
# MAGIC The same in packs: rows of one key that come in one micro-batch share an event. `key` is what order and rollouts go by, so choose one that many rows have; none at all packs best.

# COMMAND ----------

from hubscore_client.packs import packs_from

packs = packs_from(rows, model="diabetes", features=features, row_id="patient", max_rows=100)
query = write_hub(packs, hubs.kafka, REQUESTS, f"{checkpoints}/packs", availableNow=True)
query.awaitTermination()
