# Databricks notebook source
# MAGIC %md
# MAGIC # Send requests, one by one and in batches

# COMMAND ----------

# MAGIC %pip install --quiet -r requirements.txt

# COMMAND ----------

# MAGIC %run ./00_connect

# COMMAND ----------

# MAGIC %md
# MAGIC One by one, as an application does. Requests with the same key end up in one partition and stay in order.

# COMMAND ----------

from hubscore_client import REQUESTS
from hubscore_client.requests import request, send_each, send_in_batches

first = frame.head(5).to_dict("records")
with hubs.producer(REQUESTS) as producer:
    sent = send_each(
        producer,
        (request({name: row[name] for name in features}, "diabetes", f"single-{row['patient']}") for row in first),
        key=lambda body: body["request_id"],
    )
print(sent, "sent one by one")

# COMMAND ----------

# MAGIC %md
# MAGIC In batches, from pandas. Values in the order of the card save bytes. A version may be asked for, and a time-out.

# COMMAND ----------

rows = zip(frame["patient"], frame[features].values.tolist())
with hubs.producer(REQUESTS) as producer:
    sent = send_in_batches(
        producer,
        (request(values, "diabetes", f"batch-{patient}", model_version="1", timeout_ms=3_600_000) for patient, values in rows),
    )
print(sent, "sent in batches")

# COMMAND ----------

# MAGIC %md
# MAGIC In packs: many rows in one event, for volume. A bad row is passed over and named in its pack's result. Where rows have keys of their own (order, rollouts), `key` packs by key.

# COMMAND ----------

from hubscore_client.packs import send_in_packs

rows = ((f"packed-{patient}", values) for patient, values in zip(frame["patient"], frame[features].values.tolist()))
with hubs.producer(REQUESTS) as producer:
    sent = send_in_packs(producer, rows, "diabetes", max_rows=100, max_bytes=250_000, max_ms=1_000)
print(sent, "sent in packs")
