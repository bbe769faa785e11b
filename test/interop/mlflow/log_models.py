"""Logs two versions of a model to the tracking server of MLFLOW_TRACKING_URI, the second with its weights in files of their own, and points an alias at one.

usage: log_models.py log | alias VERSION
"""
import sys

import mlflow
import numpy as np
from onnx import TensorProto, helper, numpy_helper

NAME = "interop-mlflow"


def linear(weight):
    """1024 numbers to one, their sum times a weight: large enough that its weights may lie outside."""
    weights = numpy_helper.from_array(np.full((1024, 1), weight, np.float32), "weights")
    nodes = [helper.make_node("MatMul", ["x", "weights"], ["y"])]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1024])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def log(weight, external):
    with mlflow.start_run():
        mlflow.log_metric("r2", 0.5 + weight / 10)
        mlflow.log_param("weight", weight)
        mlflow.onnx.log_model(linear(weight), name="model", registered_model_name=NAME, save_as_external_data=external)


client = mlflow.MlflowClient()
if sys.argv[1] == "log":
    log(1, False)
    log(2, True)
    client.set_registered_model_alias(NAME, "champion", "1")
else:
    client.set_registered_model_alias(NAME, "champion", sys.argv[2])
