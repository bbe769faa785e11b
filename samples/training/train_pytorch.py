"""PyTorch: a small convolutional network for images of 8 × 8 points. `pip install -r requirements.txt -r requirements-pytorch.txt`"""

import tempfile

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from hubscore_model import arguments, check_parity, fingerprint, save
from hubscore_profile import profile

args = arguments(__doc__)
torch.manual_seed(1)
data = load_digits()
X, y = torch.tensor(data.images / 16, dtype=torch.float32).unsqueeze(1), torch.tensor(data.target)
training = torch.arange(len(X)) % 5 != 0

network = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32 * 16, 10),
)
optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
for _epoch in range(15):
    for batch in torch.randperm(int(training.sum())).split(64):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(X[training][batch]), y[training][batch]).backward()
        optimizer.step()

# What is served ends in probabilities, not in logits.
served = nn.Sequential(network, nn.Softmax(dim=1)).eval()
with torch.no_grad():
    probabilities = served(X).numpy()
with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
    # One dynamic dimension, the batch; weights inside the file.
    torch.onnx.export(
        served, (X[:2],), file.name, input_names=["image"], output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("N")},), dynamo=True, external_data=False, verbose=False,
    )
    onnx = open(file.name, "rb").read()
check_parity(onnx, {"image": X.numpy()}, {"probabilities": probabilities})

labels = probabilities.argmax(axis=1)
accuracy = float((labels == data.target)[~training.numpy()].mean())
card = {
    "name": "digits",
    "task": "classification",
    "description": "Which digit a picture of 8 × 8 points shows",
    "training_data_hash": fingerprint(data.images, data.target),
    "features": [{"name": "image", "type": "tensor", "input": "image"}],
    "outputs": {"probabilities": "probabilities", "classes": list(range(10))},
    "metrics": {"accuracy": round(accuracy, 3)},
}
cases = [
    {"request_id": f"digit-{i}", "features": X[i].tolist(), "expected": {"label": int(labels[i]), "probabilities": probabilities[i].astype(float).tolist()}}
    for i in range(0, len(X), 90)
]
# Of pictures the answers alone are watched.
save(args, onnx, card, cases, profile(card["features"], {"image": data.images}, labels.tolist(), probabilities.max(axis=1)))
