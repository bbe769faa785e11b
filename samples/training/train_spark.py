"""Spark ML: a pipeline of assembler, scaler and classifier, one model input for each column. `pip install -r requirements.txt`, and Java.

On Databricks leave out the session: `spark` is there.
"""

import pathlib

import numpy as np
from onnxmltools import convert_sparkml
from onnxmltools.convert.common.data_types import FloatTensorType
from pyspark.ml import Pipeline
from pyspark.ml.classification import LogisticRegression
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.sql import SparkSession

from hubscore_model import arguments, check_parity, fingerprint, save
from hubscore_profile import profile

args = arguments(__doc__)
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2").getOrCreate()
csv = pathlib.Path(__file__).parent / "../models/diabetes/train.csv"
table = spark.read.csv(str(csv.resolve()), header=True, inferSchema=True).cache()
names = table.columns[:-1]
training, held_back = table.randomSplit([0.8, 0.2], seed=1)
stages = [
    VectorAssembler(inputCols=names, outputCol="raw"),
    StandardScaler(inputCol="raw", outputCol="features", withMean=True),
    LogisticRegression(labelCol="target", regParam=0.01),
]
model = Pipeline(stages=stages).fit(training)
area = BinaryClassificationEvaluator(labelCol="target").evaluate(model.transform(held_back))

inputs = [(name, FloatTensorType([None, 1])) for name in names]
onnx = convert_sparkml(model, "spark-diabetes", inputs, spark_session=spark).SerializeToString()
rows = table.toPandas()
scored = model.transform(table).select("prediction", "probability").toPandas()
labels = scored["prediction"].to_numpy(np.int64)
probabilities = np.stack([vector.toArray() for vector in scored["probability"]])
# Without this check one would not notice that the converter gives a logistic regression of several classes wrong probabilities.
check_parity(onnx, {name: rows[[name]].to_numpy(np.float32) for name in names}, {"prediction": labels, "probability": probabilities})
spark.stop()

card = {
    "name": "spark-diabetes",
    "task": "classification",
    "training_data_hash": fingerprint(rows.to_numpy(float)),
    "features": [{"name": name, "type": "number"} for name in names],  # each feeds the input of its name
    "outputs": {"label": "prediction", "probabilities": "probability", "classes": [0, 1]},
    "metrics": {"roc_auc": round(area, 3)},
    "hyperparameters": {"regParam": 0.01},
}
cases = [
    {"request_id": f"row-{i}", "features": rows[names].iloc[i].tolist(), "expected": {"label": int(labels[i]), "probabilities": probabilities[i].tolist()}}
    for i in range(0, len(rows), 12)
]
columns = {name: rows[name].tolist() for name in names}
save(args, onnx, card, cases, profile(card["features"], columns, labels.tolist(), probabilities.max(axis=1)))
