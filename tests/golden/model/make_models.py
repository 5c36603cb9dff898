#!/usr/bin/env python3
"""Makes the model files of this folder and the answers they must give.

The answers (flowmark.golden) come from PyTorch, scikit-learn or ONNX Runtime, never from flowmark:
a file that loads has passed a comparison with another implementation.

Needs numpy, torch, scikit-learn and onnx (Debian's will do), and Node.js with onnxruntime-node in
the directory that ORT_DIR names. Results repeat up to the versions of these.
"""
import io
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

HERE = os.path.dirname(os.path.abspath(__file__))
ORT = os.path.join(HERE, "..", "..", "..", "bench", "compare", "ort.mjs")
rng = np.random.default_rng(20190415)
torch.manual_seed(20190415)


def picture_spec(rows, columns):
    return {"kind": "flowpic", "window_s": 60, "time_bins": columns, "size_bins": rows,
            "max_size": 1500, "values": "count"}


def histogram_spec(size_bins, iat_bins):
    return {"kind": "size_iat", "window_packets": 1024,
            "size": {"bins": size_bins, "min": 40, "max": 1500},
            "iat_us": {"bins": iat_bins, "min": 1, "max": 1e7}, "values": "count"}


def windows(length, counts):
    result = []
    for count in counts:
        places = np.sort(rng.choice(length, size=min(count, length), replace=False))
        result.append([[int(i), float(rng.integers(1, 6))] for i in places])
    return result


def dense(window, length):
    x = np.zeros(length, np.float32)
    for index, value in window:
        x[index] = value
    return x


def onnx_runtime(model, wins, length):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        onnx.save(model, path)
        done = subprocess.run(["node", ORT, path, str(length)], input=json.dumps(wins), text=True,
                              capture_output=True, check=True)
    return json.loads(done.stdout)


def finish(name, model, spec, classes, wins, answers, multilabel=False, tolerance=1e-5):
    """Adds the metadata and writes the file."""
    props = {
        "flowmark.version": "1",
        "flowmark.task": "category",
        "flowmark.classes": json.dumps([f"class{c}" for c in range(classes)]),
        "flowmark.input": json.dumps(spec),
        "flowmark.multilabel": "true" if multilabel else "false",
        "flowmark.golden": json.dumps({
            "windows": [{"input": w, "output": [float(p) for p in a]}
                        for w, a in zip(wins, answers)],
            "tolerance": tolerance}),
    }
    del model.metadata_props[:]
    for key, value in props.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, os.path.join(HERE, name + ".onnx"))
    print(name, os.path.getsize(os.path.join(HERE, name + ".onnx")), "bytes")


def coarse(module):
    """Weights with few bits, so that the files pack well."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.round(parameter * 256) / 256)
    return module.eval()


def export(module, shape, dynamic=True):
    buffer = io.BytesIO()
    axes = {"input": {0: "batch"}, "output": {0: "batch"}} if dynamic else None
    torch.onnx.export(module, torch.zeros(1, *shape), buffer, opset_version=13,
                      input_names=["input"], output_names=["output"], dynamic_axes=axes)
    return onnx.load_from_string(buffer.getvalue())


def torch_answers(module, shape, wins):
    x = np.stack([dense(w, int(np.prod(shape))).reshape(shape) for w in wins])
    with torch.no_grad():
        return module(torch.from_numpy(x)).numpy()


def flowpic_network():
    """The paper's network, for 300 x 300."""
    nn = torch.nn
    net = coarse(nn.Sequential(
        nn.ConstantPad2d((2, 3, 2, 3), 0), nn.Conv2d(1, 10, 10, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.ConstantPad2d((2, 3, 2, 3), 0), nn.Conv2d(10, 20, 10, 5), nn.ReLU(), nn.Dropout(0.25),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(180, 64), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(64, 5), nn.Softmax(dim=1)))
    wins = windows(90000, [0, 1, 10, 200, 1000])
    finish("torch_flowpic300", export(net, (1, 300, 300)), picture_spec(300, 300), 5, wins,
           torch_answers(net, (1, 300, 300), wins))


class ViewNet(torch.nn.Module):
    """Batch normalisation, ReLU behind the pooling, view() with a computed shape, no Softmax."""

    def __init__(self, scores):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 6, 5, padding=1)
        self.norm1 = torch.nn.BatchNorm2d(6)
        self.conv2 = torch.nn.Conv2d(6, 16, (5, 3), stride=(1, 2))
        self.dense1 = torch.nn.Linear(16 * 5 * 6, 40)
        self.norm2 = torch.nn.BatchNorm1d(40)
        self.dense2 = torch.nn.Linear(40, scores, bias=False)
        for norm in (self.norm1, self.norm2):
            torch.nn.init.uniform_(norm.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(norm.running_var, 0.5, 2)
            torch.nn.init.uniform_(norm.weight, 0.5, 2)
            torch.nn.init.uniform_(norm.bias, -0.3, 0.3)

    def forward(self, x):
        f = torch.nn.functional
        x = f.relu(f.max_pool2d(self.norm1(self.conv1(x)), 2))
        x = f.relu(f.max_pool2d(self.conv2(x), (3, 2), stride=2, padding=(1, 1)))
        x = x.view(x.size(0), -1)
        return self.dense2(torch.tanh(self.norm2(self.dense1(x))))


def view_networks():
    shape = (1, 28, 50)
    wins = windows(28 * 50, [0, 3, 60, 700])
    net = coarse(ViewNet(4))
    finish("torch_logits", export(net, shape), picture_spec(28, 50), 4, wins,
           torch.softmax(torch.from_numpy(torch_answers(net, shape, wins)), 1).numpy())
    net = coarse(torch.nn.Sequential(ViewNet(3), torch.nn.Sigmoid()))
    finish("torch_multilabel", export(net, shape, dynamic=False), picture_spec(28, 50), 3, wins,
           torch_answers(net, shape, wins), multilabel=True)
    net = coarse(torch.nn.Sequential(ViewNet(1), torch.nn.Sigmoid()))
    second = torch_answers(net, shape, wins)
    finish("torch_one_sigmoid", export(net, shape), picture_spec(28, 50), 2, wins,
           np.hstack([1 - second, second]))


def keras_network():
    """As tf2onnx writes a Keras model: channels last outside, Transposes around, SAME padding."""
    def weights(name, *dims):
        values = np.round(rng.normal(0, 0.25, dims) * 256) / 256
        return numpy_helper.from_array(values.astype(np.float32), name)
    constants = [
        weights("k1", 8, 1, 5, 5), weights("b1", 8), weights("k2", 12, 8, 4, 4),
        weights("b2", 1, 12, 1, 1), weights("w1", 5 * 4 * 12, 20), weights("c1", 20),
        weights("w2", 20, 3), weights("c2", 3),
        numpy_helper.from_array(np.array([-1, 240], np.int64), "flat"),
        numpy_helper.from_array(np.array([0, 0, 1, 0, 0, 0, 0, 2], np.int64), "pads"),
    ]
    node = helper.make_node
    nodes = [
        node("Transpose", ["input"], ["t1"], perm=[0, 3, 1, 2]),
        node("Conv", ["t1", "k1", "b1"], ["h1"], auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Relu", ["h1"], ["r1"]),
        node("MaxPool", ["r1"], ["p1"], kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER"),
        node("Transpose", ["p1"], ["n1"], perm=[0, 2, 3, 1]),
        node("Transpose", ["n1"], ["t2"], perm=[0, 3, 1, 2]),
        node("Pad", ["t2", "pads"], ["q1"]),
        node("Conv", ["q1", "k2"], ["h2"], auto_pad="VALID"),
        node("Add", ["h2", "b2"], ["a2"]),
        node("Relu", ["a2"], ["r2"]),
        node("MaxPool", ["r2"], ["p2"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        node("Transpose", ["p2"], ["n2"], perm=[0, 2, 3, 1]),
        node("Reshape", ["n2", "flat"], ["f"]),
        node("MatMul", ["f", "w1"], ["m1"]), node("Add", ["m1", "c1"], ["d1"]),
        node("Relu", ["d1"], ["r3"]),
        node("MatMul", ["r3", "w2"], ["m2"]), node("Add", ["c2", "m2"], ["d2"]),
        node("Softmax", ["d2"], ["output"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes, "keras", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 45, 36, 1])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 3])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    wins = windows(45 * 36, [0, 2, 50, 900])
    finish("keras_transposed", model, picture_spec(45, 36), 3, wins,
           onnx_runtime(model, wins, 45 * 36))


def fuzz_seed():
    """A network of a few hundred weights for tests/fuzz/corpus/model."""
    nn = torch.nn
    net = coarse(nn.Sequential(
        nn.Conv2d(1, 2, 3, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(2, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2), nn.Softmax(dim=1)))
    wins = windows(144, [0, 5])
    finish("../../fuzz/corpus/model/cnn", export(net, (1, 12, 12), dynamic=False),
           picture_spec(12, 12), 2, wins, torch_answers(net, (1, 12, 12), wins))


def training_data(length, classes, count=600):
    y = rng.integers(0, classes, count)
    centres = rng.gamma(0.4, 3, (classes, length))
    return rng.poisson(centres[y]).astype(np.float32), y


def model_of(nodes, length, outputs, constants=()):
    graph = helper.make_graph(
        nodes, "model", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", length])],
        outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13),
                                                    helper.make_opsetid("ai.onnx.ml", 1)])
    model.ir_version = 8
    return model


def label_and_probabilities(classes):
    return [helper.make_tensor_value_info("label", TensorProto.INT64, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes])]


def forest_nodes(model):
    """The attributes that skl2onnx gives a random forest."""
    out = {key: [] for key in ("nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values",
                               "nodes_modes", "nodes_truenodeids", "nodes_falsenodeids",
                               "nodes_hitrates", "nodes_missing_value_tracks_true", "class_treeids",
                               "class_nodeids", "class_ids", "class_weights")}
    for t, estimator in enumerate(model.estimators_):
        tree = estimator.tree_
        for n in range(tree.node_count):
            leaf = tree.children_left[n] == tree.children_right[n]
            out["nodes_treeids"].append(t)
            out["nodes_nodeids"].append(n)
            out["nodes_featureids"].append(0 if leaf else int(tree.feature[n]))
            out["nodes_values"].append(0.0 if leaf else float(tree.threshold[n]))
            out["nodes_modes"].append("LEAF" if leaf else "BRANCH_LEQ")
            out["nodes_truenodeids"].append(0 if leaf else int(tree.children_left[n]))
            out["nodes_falsenodeids"].append(0 if leaf else int(tree.children_right[n]))
            out["nodes_hitrates"].append(1.0)
            out["nodes_missing_value_tracks_true"].append(0)
            if not leaf:
                continue
            shares = tree.value[n][0] / tree.value[n][0].sum() / len(model.estimators_)
            # Of two classes skl2onnx stores the second one only, and calls it 0.
            for c, share in enumerate(shares if len(shares) > 2 else shares[1:]):
                out["class_treeids"].append(t)
                out["class_nodeids"].append(n)
                out["class_ids"].append(c)
                out["class_weights"].append(float(share))
    return out


def sklearn_forest(x, y, classes, length):
    model = RandomForestClassifier(12, max_depth=7, random_state=1).fit(x, y)
    node = helper.make_node("TreeEnsembleClassifier", ["input"], ["label", "probabilities"],
                            domain="ai.onnx.ml", name="TreeEnsembleClassifier",
                            classlabels_int64s=list(range(classes)), post_transform="NONE",
                            **forest_nodes(model))
    return model, model_of([node], length, label_and_probabilities(classes))


def sklearn_logistic(x, y, classes, length, multi_class):
    model = LogisticRegression(max_iter=2000, C=0.01, multi_class=multi_class).fit(x, y)
    weights, intercepts = model.coef_, model.intercept_
    if classes == 2:  # skl2onnx writes both signs
        weights, intercepts = np.vstack([-weights, weights]), np.hstack([-intercepts, intercepts])
    transform = "SOFTMAX" if multi_class == "multinomial" and classes > 2 else "LOGISTIC"
    nodes = [
        helper.make_node("LinearClassifier", ["input"], ["label", "raw"], domain="ai.onnx.ml",
                         name="LinearClassifier", classlabels_ints=list(range(classes)),
                         coefficients=[float(v) for v in weights.ravel()],
                         intercepts=[float(v) for v in intercepts], multi_class=1,
                         post_transform=transform),
        helper.make_node("Normalizer", ["raw"], ["probabilities"], domain="ai.onnx.ml",
                         name="Normalizer", norm="L1"),
        helper.make_node("Cast", ["label"], ["output_label"], to=TensorProto.INT64),
        helper.make_node("ZipMap", ["probabilities"], ["output_probability"], domain="ai.onnx.ml",
                         name="ZipMap", classlabels_int64s=list(range(classes))),
    ]
    zipped = onnx.ValueInfoProto(name="output_probability")
    entries = zipped.type.sequence_type.elem_type.map_type
    entries.key_type = TensorProto.INT64
    entries.value_type.tensor_type.elem_type = TensorProto.FLOAT
    outputs = [helper.make_tensor_value_info("output_label", TensorProto.INT64, ["N"]), zipped]
    return model, model_of(nodes, length, outputs)


class ScaledPerceptron:
    def __init__(self, x, y):
        self.scaler = StandardScaler().fit(x)
        self.mlp = MLPClassifier((20, 10), max_iter=300, random_state=1).fit(
            self.scaler.transform(x), y)

    def predict_proba(self, x):
        return self.mlp.predict_proba(self.scaler.transform(x))


def sklearn_perceptron(x, y, classes, length):
    model = ScaledPerceptron(x, y)
    nodes = [helper.make_node("Scaler", ["input"], ["h0"], domain="ai.onnx.ml", name="Scaler",
                              offset=[float(v) for v in model.scaler.mean_],
                              scale=[float(v) for v in 1 / model.scaler.scale_])]
    constants = []
    layers = list(zip(model.mlp.coefs_, model.mlp.intercepts_))
    for i, (weights, bias) in enumerate(layers):
        constants += [numpy_helper.from_array(weights.astype(np.float32), f"coefficient{i}"),
                      numpy_helper.from_array(bias.astype(np.float32).reshape(1, -1), f"bias{i}")]
        nodes += [helper.make_node("MatMul", [f"h{i}", f"coefficient{i}"], [f"mul{i}"], f"MatMul{i}"),
                  helper.make_node("Add", [f"mul{i}", f"bias{i}"], [f"add{i}"], f"Add{i}")]
        last = i + 1 == len(layers)
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"add{i}"],
                                      ["probabilities" if last else f"h{i + 1}"]))
    nodes.append(helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0))
    return model, model_of(nodes, length, label_and_probabilities(classes), constants)


def sklearn_models():
    """scikit-learn's models in the forms that skl2onnx gives them."""
    spec, length = histogram_spec(4, 6), 48
    wins = windows(length, [0, 1, 5, 20, 48])
    rows = np.stack([dense(w, length) for w in wins])
    for classes, suffix in ((5, "multi"), (2, "binary")):
        x, y = training_data(length, classes)
        made = {"forest": sklearn_forest(x, y, classes, length),
                "logistic": sklearn_logistic(x, y, classes, length, "multinomial")}
        if classes > 2:
            made["ovr"] = sklearn_logistic(x, y, classes, length, "ovr")
            made["perceptron"] = sklearn_perceptron(x, y, classes, length)
        elif classes == 2:
            made["logistic"] = sklearn_logistic(x, y, classes, length, "ovr")
        for name, (model, graph) in made.items():
            finish(f"sklearn_{name}_{suffix}", graph, spec, classes, wins, model.predict_proba(rows))


def tree_arrays(modes, thresholds, features):
    """Complete trees of depth 2 with the given modes and features, leaves 3 to 6."""
    arrays = {key: [] for key in ("treeids", "nodeids", "featureids", "values", "modes",
                                  "truenodeids", "falsenodeids")}
    for tree, (mode, threshold, feature) in enumerate(zip(modes, thresholds, features)):
        for node in range(7):
            inner = node < 3
            arrays["treeids"].append(tree)
            arrays["nodeids"].append(node)
            arrays["featureids"].append(int(feature[node]) if inner else 0)
            arrays["values"].append(float(threshold[node]) if inner else 0.0)
            arrays["modes"].append(mode[node] if inner else "LEAF")
            arrays["truenodeids"].append(2 * node + 1 if inner else 0)
            arrays["falsenodeids"].append(2 * node + 2 if inner else 0)
    return {"nodes_" + key: value for key, value in arrays.items()}


def tree_model(attributes, classes, length):
    node = helper.make_node(
        "TreeEnsembleClassifier", ["input"], ["label", "probabilities"], domain="ai.onnx.ml",
        name="trees", classlabels_int64s=list(range(classes)), **attributes)
    return model_of([node], length, label_and_probabilities(classes))


def tree_models():
    """Every branch mode, and the ways in which ONNX Runtime treats two classes."""
    spec, length = histogram_spec(2, 3), 12
    wins = windows(length, [0, 1, 3, 6, 8, 10, 12, 12, 12, 12])
    names = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    trees = 30
    nodes = tree_arrays(rng.choice(names, (trees, 3)), rng.integers(0, 4, (trees, 3)),
                        rng.integers(0, length, (trees, 3)))
    leaves = [(t, n) for t in range(trees) for n in range(3, 7)]

    def scores(classes, low, high, first=0):
        ids = [(t, n, c) for t, n in leaves for c in range(first, first + classes)]
        return {"class_treeids": [i[0] for i in ids], "class_nodeids": [i[1] for i in ids],
                "class_ids": [i[2] for i in ids],
                "class_weights": [float(v) for v in rng.uniform(low, high, len(ids))]}

    cases = {
        "none": (3, scores(3, 0, 1 / trees), "NONE", None),
        "softmax": (3, scores(3, -0.3, 0.3), "SOFTMAX", [0.1, -0.2, 0.3]),
        "logistic": (3, scores(3, -0.3, 0.3), "LOGISTIC", None),
        "two": (2, scores(2, 0, 1 / trees), "NONE", None),
        "two_softmax": (2, scores(2, -0.3, 0.3), "SOFTMAX", None),
        "two_logistic": (2, scores(2, -0.3, 0.3), "LOGISTIC", None),
        # Scores of class 1 only: those of class 0 are 0.
        "second": (2, scores(1, 0, 1 / trees, 1), "NONE", None),
        "second_logistic": (2, scores(1, -0.3, 0.3, 1), "LOGISTIC", None),
        "second_softmax": (2, scores(1, -0.3, 0.3, 1), "SOFTMAX", None),
        # Scores of class 0 only: they stand for both classes, and for the second one at that.
        "pair_positive": (2, scores(1, 0, 1 / trees), "NONE", None),
        "pair_positive_base": (2, scores(1, 0, 0.5 / trees), "NONE", [0.2]),
        "pair_positive_logistic": (2, scores(1, 0, 1 / trees), "LOGISTIC", None),
        "pair_positive_softmax": (2, scores(1, 0, 1 / trees), "SOFTMAX", None),
        "pair_logistic": (2, scores(1, -0.3, 0.3), "LOGISTIC", None),
        "pair_logistic_base": (2, scores(1, -0.3, 0.3), "LOGISTIC", [0.4]),
    }
    for name, (classes, weights, transform, base) in cases.items():
        attributes = {**nodes, **weights, "post_transform": transform}
        if base is not None:
            attributes["base_values"] = base
        model = tree_model(attributes, classes, length)
        finish("trees_" + name, model, spec, classes, wins,
               onnx_runtime(model, wins, length))


def linear_models():
    """LinearClassifier by hand: one row of coefficients for two classes, no transform."""
    spec, length = histogram_spec(2, 3), 12
    wins = windows(length, [0, 1, 6, 12])
    for rows, transform, name in ((1, "LOGISTIC", "one_row"), (3, "LOGISTIC", "logistic"),
                                  (3, "SOFTMAX", "softmax")):
        classes = 2 if rows == 1 else rows
        node = helper.make_node(
            "LinearClassifier", ["input"], ["label", "probabilities"], domain="ai.onnx.ml",
            coefficients=[float(v) for v in rng.normal(0, 0.2, rows * length)],
            intercepts=[float(v) for v in rng.normal(0, 0.2, rows)],
            classlabels_strings=[f"class{c}" for c in range(classes)], post_transform=transform)
        outputs = label_and_probabilities(classes)
        outputs[0].type.tensor_type.elem_type = TensorProto.STRING
        model = model_of([node], length, outputs)
        finish("linear_" + name, model, spec, classes, wins, onnx_runtime(model, wins, length))


if __name__ == "__main__":
    flowpic_network()
    view_networks()
    keras_network()
    sklearn_models()
    tree_models()
    linear_models()
    fuzz_seed()
    sys.exit(0)
