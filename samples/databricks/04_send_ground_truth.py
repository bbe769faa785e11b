# Databricks notebook source
# MAGIC %md
# MAGIC # Send ground truth
# MAGIC What turned out to be right goes to the hub `inference-labels`, named by the `result_id` of the prediction it is about: each label once, and again where it has changed.

# COMMAND ----------

# MAGIC %pip install --quiet -r requirements.txt

# COMMAND ----------

# MAGIC %run ./00_connect

# COMMAND ----------

import datetime as dt

from hubscore_client import LABELS
from hubscore_client.ground_truth import ground_truth, not_sent_yet, note_sent, send_ground_truth

known = spark.sql(f"""
    SELECT r.result_id, r.enqueued_at, r.request_id, r.model, p.target AS label
    FROM {schema}.results r JOIN {patients} p ON r.request_id = p.patient""")
news = not_sent_yet(known, f"{schema}.labels_sent").toPandas()
now = dt.datetime.now(dt.timezone.utc)
messages = (ground_truth(row.label, now, row.result_id, row.request_id, row.model) for row in news.itertuples())
with hubs.producer(LABELS) as producer:
    sent = send_ground_truth(producer, messages)
if sent:
    note_sent(spark.createDataFrame(news), f"{schema}.labels_sent")
print(sent, "labels sent")

# COMMAND ----------

# MAGIC %md
# MAGIC # The verdict
# MAGIC Where a rollout chose the version, its results bear the arm, `variant`. The same evidence decides in the app, which counts these labels itself: `npx hubscore rollout status NAME`.

# COMMAND ----------

from hubscore_client.verdict import accuracy_verdict, show

arms = {row.variant: (row.right, row.labels) for row in spark.sql(f"""
    SELECT r.variant, count_if(r.prediction = CAST(p.target AS STRING)) AS right, count(*) AS labels
    FROM {schema}.results r JOIN {patients} p ON r.request_id = p.patient
    WHERE r.variant IS NOT NULL GROUP BY r.variant""").collect()}
verdict = accuracy_verdict(arms.get("candidate", (0, 0)), arms.get("production", (0, 0)))
print(show(verdict) if arms else "no rollout chose: every result is production's")
