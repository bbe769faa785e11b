# Databricks notebook source
# MAGIC %md
# MAGIC # Score files by a batch job
# MAGIC The table goes to Blob Storage as Parquet, the functions app scores it, and the result comes back as a table. No model and no ONNX Runtime on the cluster.
# MAGIC
# MAGIC | field | |
# MAGIC |---|---|
# MAGIC | `functions_url` | `https://<app>.azurewebsites.net` |
# MAGIC | `functions_key` | name of the secret in `secret_scope` that holds a function key; empty: none is asked for |
# MAGIC | `lake` | a container that the app may read and write, in the account of its models |
# MAGIC | `lake_url` | how Spark names it: `abfss://<container>@<account>.dfs.core.windows.net`, or a volume over it |

# COMMAND ----------

# MAGIC %pip install --quiet -r requirements.txt

# COMMAND ----------

# MAGIC %run ./00_connect

# COMMAND ----------

dbutils.widgets.text("functions_url", "")
dbutils.widgets.text("functions_key", "")
dbutils.widgets.text("lake", "lake")
dbutils.widgets.text("lake_url", "")

# COMMAND ----------

from hubscore_client.jobs import Jobs

key = dbutils.widgets.get("functions_key")
secret = dbutils.secrets.get(dbutils.widgets.get("secret_scope"), key) if key else ""
jobs = Jobs(dbutils.widgets.get("functions_url"), secret)
lake, lake_url = dbutils.widgets.get("lake"), dbutils.widgets.get("lake_url")

spark.table(patients).drop("target").write.mode("overwrite").parquet(f"{lake_url}/in/patients")

# COMMAND ----------

job = jobs.submit(model="diabetes", input=f"{lake}/in/patients/", output=f"{lake}/out/patients", format="parquet", id_column="patient", overwrite=True)
done = jobs.wait(job["id"])
print(jobs.report(job["id"])["score"])

# COMMAND ----------

scored_files = spark.read.parquet(f"{lake_url}/out/patients")
assert scored_files.count() == done["progress"]["rows"] - done["progress"]["rejected"]
display(scored_files)
