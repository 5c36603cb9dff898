"""libtorch on the FlowPic network: `torch_serve.py MODEL.onnx WINDOWS.json`, then a line
"I REPEAT" is answered with {"us": ...}. Prints "ready", or "none" where PyTorch is missing."""
import json
import sys
import time

try:
    import numpy
    import onnx
    import torch
    from onnx import numpy_helper
except ImportError:
    print("none", flush=True)
    sys.exit(0)


def build(path):
    graph = onnx.load(path).graph
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}
    steps = []
    for node in graph.node:
        at = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == "Conv":
            top, left, bottom, right = at["pads"]
            conv = torch.nn.Conv2d(1, 1, 1, stride=at["strides"])
            conv.weight.data, conv.bias.data = weights[node.input[1]], weights[node.input[2]]
            steps += [torch.nn.ConstantPad2d((left, right, top, bottom), 0.0), conv]
        elif node.op_type == "Relu":
            steps.append(torch.nn.ReLU())
        elif node.op_type == "MaxPool":
            steps.append(torch.nn.MaxPool2d(at["kernel_shape"], at["strides"]))
        elif node.op_type == "Flatten":
            steps.append(torch.nn.Flatten())
        elif node.op_type == "Gemm":
            dense = torch.nn.Linear(1, 1)
            dense.weight.data = weights[node.input[1]].t().contiguous()
            dense.bias.data = weights[node.input[2]]
            steps.append(dense)
        elif node.op_type == "Softmax":
            steps.append(torch.nn.Softmax(dim=1))
    shape = [d.dim_value or 1 for d in graph.input[0].type.tensor_type.shape.dim]
    return torch.jit.script(torch.nn.Sequential(*steps).eval()), shape


def main():
    torch.set_num_threads(1)
    network, shape = build(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as stream:
        windows = [w for group in json.load(stream) for w in group["windows"]]
    print("ready", flush=True)
    for line in sys.stdin:
        index, repeat = map(int, line.split())
        picture = numpy.zeros(shape, numpy.float32)
        for place, value in windows[index]:
            picture.reshape(-1)[place] = value
        picture = torch.from_numpy(picture)
        least = float("inf")
        with torch.inference_mode():
            for _ in range(repeat):
                start = time.perf_counter()
                network(picture)
                least = min(least, (time.perf_counter() - start) * 1e6)
        print(json.dumps({"us": least}), flush=True)


main()
