# Databricks notebook source
# MAGIC %md
# MAGIC # Send ground truth
# MAGIC What turned out to be right goes to the hub `inference-labels`, named by the `result_id` of the prediction it is about.

# COMMAND ----------

# MAGIC %pip install --quiet -r requirements.txt

# COMMAND ----------

# MAGIC %run ./00_connect

# COMMAND ----------

import datetime as dt

from hubscore_client import LABELS
from hubscore_client.ground_truth import ground_truth, send_ground_truth

known = spark.sql(f"""
    SELECT r.result_id, r.request_id, r.model, p.target
    FROM {schema}.results r JOIN {patients} p ON r.request_id = p.patient""").collect()
now = dt.datetime.now(dt.timezone.utc)
messages = (ground_truth(row.target, now, row.result_id, row.request_id, row.model) for row in known)
with hubs.producer(LABELS) as producer:
    print(send_ground_truth(producer, messages), "labels sent")
