"""Trains the logistic sample model for a model server: `save_model.py <train.csv> <file>`."""

import csv
import sys

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rows = np.array(list(csv.reader(open(sys.argv[1], encoding="utf8")))[1:], float)
joblib.dump(make_pipeline(StandardScaler(), LogisticRegression(C=0.5)).fit(rows[:, :-1], rows[:, -1].astype(int)), sys.argv[2])
