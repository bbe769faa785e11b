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
