"""A function of tensors as the plain operations that it comes to, without the modules and the stacking around them.

Half of the time that a small model takes on a small batch goes into finding out which operations are to be run. For
inputs of one shape they are always the same, so that they can be written down once; the numbers stay the same, bit for
bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg


def recorded(run: Callable[..., Any], *inputs: Tensor) -> Callable[..., Any]:
    """The operations of a function for inputs of these shapes; other tensors that it uses become constants.

    Args:
        run: Tensors to tensors, the same operations whatever the values.
        inputs: What shapes are taken from.

    >>> double = recorded(lambda x: x * torch.ones(2).add(1), torch.zeros(3, 2))
    >>> double(torch.eye(2))
    tensor([[2., 0.],
            [0., 2.]])
    """
    with torch.inference_mode(False), torch.no_grad():
        found = make_fx(run)(*map(torch.zeros_like, inputs))
        _work_out_constants(found)
    return found


def _work_out_constants(found: GraphModule) -> None:
    """Replace operations on nothing but constants by what they give, and leave out what nobody asks for."""
    graph = found.graph
    graph.eliminate_dead_code()
    for node in list(graph.nodes):
        asked = node.all_input_nodes
        if node.op != "call_function" or not asked or any(one.op != "get_attr" for one in asked):
            continue
        args, kwargs = map_arg((node.args, node.kwargs), lambda one: _constant(found, one))
        name = f"constant_of_{node.name}"
        found.register_buffer(name, node.target(*args, **kwargs))
        with graph.inserting_before(node):
            node.replace_all_uses_with(graph.get_attr(name))
        graph.erase_node(node)
    found.delete_all_unused_submodules()
    found.recompile()


def _constant(found: GraphModule, node: Node) -> Any:
    return getattr(found, str(node.target))
