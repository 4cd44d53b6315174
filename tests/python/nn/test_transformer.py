"""MultiheadAttention and the transformer's layers: initial weights, values, gradients, masks, texts."""

import copy
import pickle

import pytest

from tests.python.twin import twin

ATTENTIONS = [
    ((8, 2), {}),
    ((8, 4), {"batch_first": True}),
    ((8, 1), {"bias": False}),
    ((8, 2), {"dropout": 0.3}),
    ((8, 2), {"dropout": 0.3, "batch_first": True}),
    ((8, 2), {"kdim": 5, "vdim": 3}),
    ((8, 2), {"kdim": 8, "vdim": 3, "bias": False, "batch_first": True}),
    ((8, 2), {"add_bias_kv": True}),
    ((8, 2), {"add_zero_attn": True, "add_bias_kv": True, "batch_first": True}),
    ((8, 2), {"kdim": 5, "vdim": 5, "add_zero_attn": True}),
    ((6, 3), {"dtype": "float64"}),
]


def made(torch, name, args, options):
    options = dict(options)
    if "dtype" in options:
        options["dtype"] = getattr(torch, options["dtype"])
    return getattr(torch.nn, name)(*args, **options)


def masks(torch, form, batch, heads, target, source, dtype):
    padding = torch.zeros(batch, source, dtype=torch.bool)
    padding[1:, source - 2 :] = True
    hidden = torch.arange(target * source).reshape(target, source) % 3 == 1
    if form == "padding":
        return {"key_padding_mask": padding}
    if form == "bool":
        return {"attn_mask": hidden}
    if form == "heads":
        return {"attn_mask": torch.randn(batch * heads, target, source, dtype=dtype)}
    if form == "both":
        return {"attn_mask": hidden, "key_padding_mask": padding}
    if form == "causal":
        mask = torch.nn.Transformer.generate_square_subsequent_mask(max(target, source), dtype=dtype)
        return {"attn_mask": mask[:target, :source], "is_causal": True}
    return {}


@twin(rtol=5e-5, atol=1e-5)
@pytest.mark.parametrize("form", ["none", "padding", "bool", "heads", "both", "causal"])
@pytest.mark.parametrize("way", ["self", "memory", "apart", "unbatched"])
@pytest.mark.parametrize(("args", "options"), ATTENTIONS, ids=str)
def test_attention(torch, log, args, options, way, form):
    layer = made(torch, "MultiheadAttention", args, options)
    if way == "self" and form == "none":
        log(layer, layer.state_dict(), [name for name, _ in layer.named_parameters()])
        log(pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer).state_dict())
        log(sorted(k for k in layer.__dict__ if k[0] != "_"))
    different = layer.kdim != layer.embed_dim or layer.vdim != layer.embed_dim
    if different and way in ("self", "memory"):
        return
    dtype = layer.out_proj.weight.dtype
    batch, target, source = 3, 4, 4 if way == "self" else 5

    def sequence(length, width):
        shape = (length, batch, width)
        if way == "unbatched":
            shape = (length, width)
        elif layer.batch_first:
            shape = (batch, length, width)
        return torch.randn(shape, dtype=dtype).requires_grad_()

    q = sequence(target, layer.embed_dim)
    k = q if way == "self" else sequence(source, layer.kdim)
    v = k if way in ("self", "memory") else sequence(source, layer.vdim)
    given = masks(torch, form, batch, layer.num_heads, target, source, dtype)
    if way == "unbatched":
        if "key_padding_mask" in given:
            given["key_padding_mask"] = given["key_padding_mask"][1]
        if form == "heads":
            given["attn_mask"] = given["attn_mask"][: layer.num_heads]
    for needed in ({}, {"average_attn_weights": False}, {"need_weights": False}):
        out, weights = layer(q, k, v, **given, **needed)
        log(out, weights)
        out.backward(torch.linspace(-1, 1, out.numel(), dtype=dtype).view(out.shape))
    log([p.grad for p in layer.parameters()], q.grad, k.grad, v.grad)


@twin(rtol=5e-5, atol=1e-5)
def test_attention_while_evaluating(torch, log):
    layer = torch.nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True).eval()
    x = torch.randn(2, 5, 8)
    padding = torch.tensor([[False] * 5, [False, False, False, True, True]])
    with torch.no_grad():
        for given in ({}, {"key_padding_mask": padding}, {"need_weights": False}):
            log(layer(x, x, x, **given))


@twin
def test_attention_texts(torch, log):
    nn, f = torch.nn, torch.ones
    for args, options in (
        ((0, 2), {}),
        ((4, 0), {}),
        ((5, 2), {}),
        ((-4, 2), {}),
    ):
        log(lambda: nn.MultiheadAttention(*args, **options))
    layer, apart = nn.MultiheadAttention(4, 2), nn.MultiheadAttention(4, 2, kdim=3, vdim=5)
    x = f(3, 2, 4)
    for q, k, v, options in (
        (f(4), f(4), f(4), {}),
        (f(3, 4), x, x, {}),
        (x, f(3, 4), x, {}),
        (x, f(5, 2, 4), x, {}),
        (f(3, 2, 6), f(3, 2, 6), f(3, 2, 6), {}),
        (x, x, x, {"attn_mask": f(3, 4)}),
        (x, x, x, {"attn_mask": f(3, 3, 3)}),
        (x, x, x, {"attn_mask": f(3)}),
        (x, x, x, {"attn_mask": torch.ones(3, 3, dtype=torch.int64)}),
        (x, x, x, {"key_padding_mask": f(3, 3)}),
        (x, x, x, {"key_padding_mask": f(2, 4)}),
        (x, x, x, {"key_padding_mask": f(2)}),
        (x, x, x, {"key_padding_mask": torch.ones(2, 3, dtype=torch.int64)}),
        (x, x, x, {"is_causal": True}),
        (x, x, x, {"is_causal": True, "need_weights": False}),
        (x, x, x, {"attn_mask": f(3, 3) > 0, "key_padding_mask": f(2, 3)}),
        (f(3, 4), f(3, 4), f(3, 4), {"attn_mask": f(3, 3, 3)}),
        (f(3, 4), f(3, 4), f(3, 4), {"key_padding_mask": f(2, 3)}),
        (f(3, 2, 4, 1), x, x, {}),
    ):
        log(lambda: layer(q, k, v, **options))
    log(lambda: apart(x, x, x), lambda: apart(x, f(3, 2, 3), f(4, 2, 5)))
    log(lambda: apart(f(3, 2, 4), f(5, 2, 3), f(5, 2, 5))[0].shape)
    forward = nn.functional.multi_head_attention_forward
    common = (4, 2, layer.in_proj_weight, layer.in_proj_bias, None, None, False, 0.0, f(4, 4), f(4))
    for options in (
        {"static_k": f(3, 3, 2)},
        {"static_k": f(4, 3, 3)},
        {"static_v": f(4, 3, 3)},
        {"use_separate_proj_weight": True},
        {"use_separate_proj_weight": True, "q_proj_weight": f(4, 4), "k_proj_weight": f(4, 4)},
    ):
        log(lambda: forward(x, x, x, *common, **options))
    log(forward(x, x, x, *common, static_k=f(4, 5, 2), static_v=f(4, 5, 2), need_weights=False)[0].shape)
    log(lambda: forward(x, x, x, 4, 2, None, None, None, None, False, 0.0, f(4, 4), f(4)))
    log(lambda: forward(x, x, x, 4, 2, f(12, 4), None, f(1, 1, 4), None, False, 0.0, f(4, 4), f(4)))
    log(lambda: forward(x, x, x, 5, 2, f(12, 4), None, None, None, False, 0.0, f(4, 4), f(4)))


LAYERS = [
    {},
    {"batch_first": True, "activation": "gelu"},
    {"norm_first": True, "bias": False, "dropout": 0.0},
    {"layer_norm_eps": 1e-2, "dropout": 0.4, "batch_first": True},
    {"norm_first": True, "activation": "callable"},
]


def with_activation(torch, options):
    return options | (
        {"activation": torch.nn.functional.silu} if options.get("activation") == "callable" else {}
    )


def step(torch, log, layer, *inputs, **options):
    for training in (True, False):
        layer.train(training)
        out = layer(*inputs, **options)
        out.backward(torch.linspace(-1, 1, out.numel()).view(out.shape))
        log(out, [p.grad for p in layer.parameters()], [x.grad for x in inputs])


@twin(rtol=3e-5, atol=3e-6, check_warnings=False)
@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_layers(torch, log, options):
    nn = torch.nn
    arguments = with_activation(torch, options)
    encoder = nn.TransformerEncoderLayer(8, 2, 16, **arguments)
    decoder = nn.TransformerDecoderLayer(8, 2, 16, **arguments)
    for layer in (encoder, decoder):
        log(layer, layer.state_dict(), copy.deepcopy(layer), layer.__constants__)
    log(encoder.activation_relu_or_gelu)
    x, memory = torch.randn(3, 3, 8).requires_grad_(), torch.randn(3, 3, 8).requires_grad_()
    causal = nn.Transformer.generate_square_subsequent_mask(3)
    padding = torch.tensor([[False, False, True]] * 3)
    step(torch, log, encoder, x)
    step(torch, log, encoder, x, src_mask=causal, is_causal=True)
    step(torch, log, encoder, x, src_mask=causal < 0, src_key_padding_mask=padding)
    step(torch, log, decoder, x, memory)
    step(torch, log, decoder, x, memory, tgt_mask=causal, tgt_is_causal=True, memory_key_padding_mask=padding)


@twin(rtol=3e-5, atol=3e-6)
@pytest.mark.parametrize("options", LAYERS[:4], ids=str)
def test_stacks(torch, log, options):
    nn = torch.nn
    model = nn.Transformer(8, 2, 2, 2, 16, **with_activation(torch, options))
    log(model, model.state_dict())
    x, y = torch.randn(3, 3, 8).requires_grad_(), torch.randn(3, 3, 8).requires_grad_()
    causal = model.generate_square_subsequent_mask(3)
    log(causal, model.generate_square_subsequent_mask(2, dtype=torch.float64))
    step(torch, log, model, x, y)
    step(torch, log, model, x, y, tgt_mask=causal, src_mask=causal)
    step(torch, log, model, x, y, tgt_mask=causal, tgt_is_causal=True, memory_mask=causal)
    log(lambda: model(x, y[:, :2]), lambda: model(x[:2], y), lambda: model(x[..., :4], y))


@twin(rtol=3e-5, atol=3e-6, check_warnings=False)
def test_padding_while_evaluating(torch, log):
    """Where nothing needs gradients, padded places come out as zeros; unless they are not at the end."""
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    norm = torch.nn.LayerNorm(8)
    x = torch.randn(2, 4, 8)
    end = torch.tensor([[False] * 4, [False, False, True, True]])
    for options in ({}, {"norm": norm}, {"enable_nested_tensor": False}, {"mask_check": False}):
        model = torch.nn.TransformerEncoder(layer, 2, **options)
        log(model, model.use_nested_tensor, lambda: model(x, src_key_padding_mask=end))
        with torch.no_grad():
            log(model.eval()(x, src_key_padding_mask=end), model(x), model(x, mask=torch.zeros(4, 4)))
            if "mask_check" not in options:
                log(model(x, src_key_padding_mask=end.flip(1)))


@twin
def test_texts(torch, log):
    nn = torch.nn
    log(lambda: nn.TransformerEncoderLayer(8, 2, activation="silu"), lambda: nn.TransformerEncoderLayer(8, 3))
    for options in (
        {"norm_first": True},
        {"batch_first": True, "bias": False},
        {"batch_first": True, "activation": torch.tanh},
        {},
    ):
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4, **options), 1)
    odd = nn.TransformerEncoderLayer(9, 3, 4, batch_first=True)
    log(nn.TransformerEncoder(odd, 1).use_nested_tensor)
    layer = nn.TransformerEncoderLayer(8, 2, 4)
    log(lambda: layer(torch.ones(3, 2, 8), is_causal=True))
    log(lambda: layer(torch.ones(3, 2, 8), src_key_padding_mask=torch.ones(2, 3, dtype=torch.int64)))
