#!/usr/bin/env python3
"""Makes the small ONNX models of the tests, by hand from protobuf messages (needs python3-onnx and python3-numpy).

    make_models.py FOLDER            the models of tests/models, the hostile ones among them
    make_models.py FOLDER --bench    two larger ones for bench/run, with random weights

Weights are fixed numbers or from a fixed seed: the same files come out every time.
"""
import os
import sys

import numpy as np
from onnx import AttributeProto, TensorProto, TypeProto, ValueInfoProto, helper, numpy_helper

F, D, I64, STR = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING
FOLDER = sys.argv[1]


def port(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, array):
    return numpy_helper.from_array(np.asarray(array), name)


def model(nodes, inputs, outputs, initializers=(), opsets=((("", 13)),)):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid(d, v) for d, v in opsets])
    made.ir_version = 8
    made.producer_name = "bestfit-tests"
    return made


def save(name, made):
    data = made if isinstance(made, bytes) else made.SerializeToString()
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(data)


# y = x W + b with three inputs and two classes; the tests compute the same by hand.
W = np.array([[1, -1], [0.5, 2], [-3, 0.25]], np.float32)
B = np.array([0.5, -0.5], np.float32)
LINEAR = helper.make_node("Gemm", ["x", "w", "b"], ["logits"])
WB = [constant("w", W), constant("b", B)]


def linear(rows="n", kind=F):
    return model([LINEAR], [port("x", F, [rows, 3])], [port("logits", F, [rows, 2])], WB)


def good():
    save("linear.onnx", linear())
    save("linear_batch4.onnx", linear(rows=4))
    save("softmax.onnx", model([LINEAR, helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1)],
                               [port("x", F, ["n", 3])], [port("probabilities", F, ["n", 2])], WB))
    # one number a row: of shape (n), as probability; of shape (n, 1), as logit
    w1, b1 = constant("w", np.array([[1], [2], [-1]], np.float32)), constant("b", np.array([0.25], np.float32))
    gemm = helper.make_node("Gemm", ["x", "w", "b"], ["z"])
    squeeze = helper.make_node("Squeeze", ["p", "axes"], ["y"])
    save("sigmoid_n.onnx", model([gemm, helper.make_node("Sigmoid", ["z"], ["p"]), squeeze], [port("x", F, ["n", 3])],
                                 [port("y", F, ["n"])], [w1, b1, constant("axes", np.array([1], np.int64))]))
    save("logit_n1.onnx", model([gemm], [port("x", F, ["n", 3])], [port("z", F, ["n", 1])], [w1, b1]))
    # types of outputs
    for kind, name in ((D, "float64"), (TensorProto.FLOAT16, "float16"), (I64, "int64"), (TensorProto.BOOL, "bool")):
        save(f"output_{name}.onnx", model([LINEAR, helper.make_node("Cast", ["logits"], ["y"], to=kind)],
                                          [port("x", F, ["n", 3])], [port("y", kind, ["n", 2])], WB))
    # scikit-learn's two outputs: label and a list of maps
    for keys, name in (([10, 20], "int64"), (["no", "yes"], "string")):
        label_kind = I64 if name == "int64" else STR
        zipped = helper.make_node("ZipMap", ["probabilities"], ["output_probability"], domain="ai.onnx.ml",
                                  **{f"classlabels_{name}s": keys})
        labels = constant("labels", np.array(keys)) if name == "int64" else helper.make_tensor(
            "labels", STR, [2], [k.encode() for k in keys])
        nodes = [LINEAR, helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1), zipped,
                 helper.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=0),
                 helper.make_node("Gather", ["labels", "best"], ["output_label"], axis=0)]
        maps = TypeProto()
        maps.sequence_type.elem_type.map_type.key_type = label_kind
        maps.sequence_type.elem_type.map_type.value_type.tensor_type.elem_type = F
        outputs = [port("output_label", label_kind, ["n"]), ValueInfoProto(name="output_probability", type=maps)]
        save(f"zipmap_{name}.onnx", model(nodes, [port("x", F, ["n", 3])], outputs, WB + [labels],
                                          opsets=(("", 13), ("ai.onnx.ml", 2))))
    # several inputs: float, int64 and string. Strings are compared: "yes" counts as 1.
    encode = helper.make_node("LabelEncoder", ["s"], ["f"], domain="ai.onnx.ml", keys_strings=["yes", "no"],
                              values_floats=[1.0, 0.0], default_float=-1.0)
    nodes = [encode, helper.make_node("Cast", ["i"], ["fi"], to=F), helper.make_node("Add", ["f", "fi"], ["sum"]),
             helper.make_node("Concat", ["x", "sum"], ["logits"], axis=1)]
    save("three_inputs.onnx", model(nodes, [port("x", F, ["n", 1]), port("i", I64, ["n", 1]), port("s", STR, ["n", 1])],
                                    [port("logits", F, ["n", 2])], opsets=(("", 13), ("ai.onnx.ml", 2))))
    # several float outputs, one named as it should be, and none
    relu = helper.make_node("Relu", ["logits"], ["hidden"])
    save("two_outputs.onnx", model([LINEAR, relu], [port("x", F, ["n", 3])],
                                   [port("hidden", F, ["n", 2]), port("logits", F, ["n", 2])], WB))
    other = helper.make_node("Identity", ["logits"], ["more"])
    save("unclear_outputs.onnx", model([LINEAR, relu, other], [port("x", F, ["n", 3])],
                                       [port("hidden", F, ["n", 2]), port("more", F, ["n", 2])], WB))
    # weights in a second file
    made = linear()
    w = made.graph.initializer[0]
    save("external_weights.bin", bytes(64) + w.raw_data)
    external(w, "external_weights.bin", 64, len(w.raw_data))
    save("external.onnx", made)


def external(tensor, location, offset=0, length=24):
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", str(offset)), ("length", str(length))):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def hostile():
    # y = x after 2^63 - 1 rounds
    body = helper.make_graph([helper.make_node("Identity", ["c"], ["c_out"]),
                              helper.make_node("Sin", ["v"], ["v_out"])], "body",
                             [port("i", I64, []), port("c", TensorProto.BOOL, []), port("v", F, ["n", 3])],
                             [port("c_out", TensorProto.BOOL, []), port("v_out", F, ["n", 3])])
    loop = helper.make_node("Loop", ["most", "true", "x"], ["y"], body=body)
    ends = [constant("most", np.array(2**63 - 1, np.int64)), constant("true", np.array(True))]
    save("hostile_loop.onnx", model([loop], [port("x", F, ["n", 3])], [port("y", F, ["n", 3])], ends))
    # 25 thousand million floats; their size is known when loading, or only when running
    big = constant("big", np.array([25_000_000_000], np.int64))
    filled = helper.make_node("ConstantOfShape", ["big"], ["z"])
    total = helper.make_node("ReduceSum", ["z"], ["s"], keepdims=0)
    add = helper.make_node("Add", ["x", "s"], ["y"])
    save("hostile_memory_load.onnx", model([filled, total, add], [port("x", F, ["n", 3])], [port("y", F, ["n", 3])],
                                           [big]))
    shape = helper.make_node("Shape", ["x"], ["d"])
    first = helper.make_node("Gather", ["d", "zero"], ["rows"])
    times = helper.make_node("Mul", ["rows", "big"], ["size"])
    filled = helper.make_node("ConstantOfShape", ["size"], ["z"])
    save("hostile_memory_run.onnx", model([shape, first, times, filled, total, add], [port("x", F, ["n", 3])],
                                          [port("y", F, ["n", 3])],
                                          [big, constant("zero", np.array([0], np.int64))]))
    for location, name in (("/etc/passwd", "absolute"), ("../linear.onnx", "parent"), ("a/../../b", "inside")):
        made = linear()
        external(made.graph.initializer[0], location)
        save(f"hostile_external_{name}.onnx", made)
    # the same, out of sight: in an attribute of a node of a subgraph
    made = model([loop], [port("x", F, ["n", 3])], [port("y", F, ["n", 3])], ends)
    hidden = made.graph.node[0].attribute[0].g.node.add()
    hidden.op_type, hidden.output[:] = "Constant", ["h"]
    value = hidden.attribute.add()
    value.name, value.type = "value", AttributeProto.TENSOR
    value.t.dims[:], value.t.data_type = [6], F
    external(value.t, "/etc/shadow")
    save("hostile_external_nested.onnx", made)
    save("hostile_operator.onnx", model([helper.make_node("Shell", ["x"], ["y"], domain="evil", command="id")],
                                        [port("x", F, ["n", 3])], [port("y", F, ["n", 3])],
                                        opsets=(("", 13), ("evil", 1))))
    save("hostile_truncated.onnx", linear().SerializeToString()[:-40])
    wrong = [constant("w", W.T.copy()), constant("b", B)]
    save("hostile_shapes.onnx", model([LINEAR], [port("x", F, ["n", 3])], [port("logits", F, ["n", 2])], wrong))
    # the shapes fit until it runs
    reshape = helper.make_node("Reshape", ["logits", "to"], ["y"])
    save("hostile_shapes_run.onnx", model([LINEAR, reshape], [port("x", F, ["n", 3])], [port("y", F, [7, 2])],
                                          WB + [constant("to", np.array([7, 2], np.int64))]))
    nan = helper.make_node("Sqrt", ["logits"], ["y"])
    minus = [constant("w", W), constant("b", np.array([-1e6, 1e6], np.float32))]
    save("hostile_nan.onnx", model([LINEAR, nan], [port("x", F, ["n", 3])], [port("y", F, ["n", 2])], minus))
    # says two columns, gives as many as rows
    transposed = helper.make_node("Transpose", ["logits"], ["y"])
    save("hostile_rows.onnx", model([LINEAR, transposed], [port("x", F, ["n", 3])], [port("y", F, ["m", "k"])], WB))
    save("hostile_empty.onnx", b"")


def bench():
    random = np.random.default_rng(1)

    def weights(name, *shape):
        fan = np.prod(shape[1:]) if len(shape) > 2 else shape[0]
        return constant(name, (random.standard_normal(shape) / np.sqrt(fan)).astype(np.float32))

    nodes, inits, last, width = [], [], "x", 256
    for layer, size in enumerate((512, 512, 10)):
        inits += [weights(f"w{layer}", width, size), constant(f"b{layer}", np.zeros(size, np.float32))]
        nodes.append(helper.make_node("Gemm", [last, f"w{layer}", f"b{layer}"], [f"z{layer}"]))
        last, width = f"z{layer}", size
        if layer < 2:
            nodes.append(helper.make_node("Relu", [last], [f"a{layer}"]))
            last = f"a{layer}"
    nodes[-1].output[0] = "logits"
    save("bench_mlp.onnx", model(nodes, [port("x", F, ["n", 256])], [port("logits", F, ["n", 10])], inits))
    # rows of 256 as images of 16 x 16
    convolve = [helper.make_node("Reshape", ["x", "shape"], ["image"])]
    inits, last, channels = [constant("shape", np.array([-1, 1, 16, 16], np.int64))], "image", 1
    for layer, size in enumerate((16, 32)):
        inits += [weights(f"k{layer}", size, channels, 3, 3), constant(f"b{layer}", np.zeros(size, np.float32))]
        convolve += [helper.make_node("Conv", [last, f"k{layer}", f"b{layer}"], [f"c{layer}"], pads=[1, 1, 1, 1]),
                     helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]),
                     helper.make_node("MaxPool", [f"r{layer}"], [f"p{layer}"], kernel_shape=[2, 2], strides=[2, 2])]
        last, channels = f"p{layer}", size
    inits += [weights("w", 512, 10), constant("b", np.zeros(10, np.float32))]
    convolve += [helper.make_node("Flatten", [last], ["flat"]), helper.make_node("Gemm", ["flat", "w", "b"], ["logits"])]
    save("bench_cnn.onnx", model(convolve, [port("x", F, ["n", 256])], [port("logits", F, ["n", 10])], inits))
    for i in range(50):
        small = [weights("w", 256, 10), constant("b", np.full(10, i, np.float32))]
        save(f"bench_small_{i:02d}.onnx", model([LINEAR], [port("x", F, ["n", 256])], [port("logits", F, ["n", 10])],
                                                small))


os.makedirs(FOLDER, exist_ok=True)
if "--bench" in sys.argv:
    bench()
else:
    good()
    hostile()
