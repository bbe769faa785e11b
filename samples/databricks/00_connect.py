# Databricks notebook source
# MAGIC %md
# MAGIC # Connect
# MAGIC The other notebooks run this one first. Clone the repository as a Git folder, open any of them, fill in the fields at the top, run all.
# MAGIC
# MAGIC | field | |
# MAGIC |---|---|
# MAGIC | `namespace` | `<name>.servicebus.windows.net`; `EventHubs__fullyQualifiedNamespace` in `azd env get-values` |
# MAGIC | `models_url` | `https://<account>.blob.core.windows.net/models`; `ModelStorage__blobServiceUri` there, and the container |
# MAGIC | `service_credential` | a Unity Catalog service credential (Databricks Runtime 16.2 or later); or |
# MAGIC | `secret_scope` | a scope with `tenant-id`, `client-id` and `client-secret` of a service principal |
# MAGIC | `schema` | where tables go |
# MAGIC | `checkpoints` | a folder; empty: a volume in that schema |
# MAGIC | `kafka_address` | empty: port 9093 of the namespace |
# MAGIC | `kafka_protocol` | `SASL_SSL`; for an endpoint without TLS, as the local one, `SASL_PLAINTEXT` |
# MAGIC | `kafka_classes` | `kafkashaded.`, under which Databricks has the Kafka client's classes; elsewhere empty |
# MAGIC
# MAGIC The identity needs the roles of docs/databricks.md.

# COMMAND ----------

dbutils.widgets.text("namespace", "")
dbutils.widgets.text("models_url", "")
dbutils.widgets.text("service_credential", "")
dbutils.widgets.text("secret_scope", "")
dbutils.widgets.text("schema", "hubscore")
dbutils.widgets.text("checkpoints", "")
dbutils.widgets.text("kafka_address", "")
dbutils.widgets.text("kafka_protocol", "SASL_SSL")
dbutils.widgets.text("kafka_classes", "kafkashaded.")

# COMMAND ----------

from hubscore_client.connect import connect

hubs = connect(
    dbutils,
    dbutils.widgets.get("namespace"),
    dbutils.widgets.get("models_url"),
    dbutils.widgets.get("service_credential"),
    dbutils.widgets.get("secret_scope"),
    dbutils.widgets.get("kafka_address"),
    dbutils.widgets.get("kafka_protocol"),
    dbutils.widgets.get("kafka_classes"),
)

# COMMAND ----------

schema = dbutils.widgets.get("schema")
spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
checkpoints = dbutils.widgets.get("checkpoints")
if not checkpoints:
    spark.sql(f"CREATE VOLUME IF NOT EXISTS {schema}.checkpoints")
    path = schema if "." in schema else f"{spark.catalog.currentCatalog()}.{schema}"
    checkpoints = f"/Volumes/{path.replace('.', '/')}/checkpoints"

# COMMAND ----------

# MAGIC %md
# MAGIC A table to work with: the patients that the sample model `diabetes` was trained on, with what is known of them (`target`).

# COMMAND ----------

import pandas as pd

frame = pd.read_csv("../models/diabetes/train.csv")
frame.insert(0, "patient", [f"patient-{row}" for row in range(len(frame))])
patients = f"{schema}.patients"
if not spark.catalog.tableExists(patients):
    spark.createDataFrame(frame).write.format("delta").saveAsTable(patients)
features = list(frame.columns[1:-1])
