"""A small GPT: predicts each character from those before it."""

import tensorgrad

functional = tensorgrad.nn.functional


class Attention(tensorgrad.nn.Module):
    """Causal self-attention: each place looks at itself and the places before it."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = tensorgrad.nn.Linear(width, 3 * width)
        self.out = tensorgrad.nn.Linear(width, width)

    def forward(self, x):
        batch, length, width = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        y = functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class Block(tensorgrad.nn.Module):
    """Attention, then a network for each place; both add to what they are given."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.norm1 = tensorgrad.nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.norm2 = tensorgrad.nn.LayerNorm(width)
        self.mlp = tensorgrad.nn.Sequential(
            tensorgrad.nn.Linear(width, 4 * width),
            tensorgrad.nn.GELU(),
            tensorgrad.nn.Linear(4 * width, width),
        )
        self.dropout = tensorgrad.nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class GPT(tensorgrad.nn.Module):
    """Scores of shape (batch, length, characters) for the next of each of (batch, length) characters.

    Args:
        characters: how many there are.
        context: the greatest length.
        width: of each character's vector; `heads` must divide it.
        heads: of each attention.
        layers: how many blocks.
        dropout: the share of values dropped while training.

    Raises:
        ValueError: the heads do not divide the width.
    """

    def __init__(self, characters: int, context: int, width: int, heads: int, layers: int, dropout: float):
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not cut a width of {width} evenly")
        self.context = context
        self.characters = tensorgrad.nn.Embedding(characters, width)
        self.positions = tensorgrad.nn.Embedding(context, width)
        self.dropout = tensorgrad.nn.Dropout(dropout)
        self.blocks = tensorgrad.nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.norm = tensorgrad.nn.LayerNorm(width)
        self.head = tensorgrad.nn.Linear(width, characters, bias=False)
        for module in self.modules():
            if isinstance(module, tensorgrad.nn.Linear | tensorgrad.nn.Embedding):
                tensorgrad.nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, tensorgrad.nn.Linear) and module.bias is not None:
                tensorgrad.nn.init.zeros_(module.bias)

    def forward(self, x):
        places = tensorgrad.arange(x.shape[1], device=x.device)
        x = self.dropout(self.characters(x) + self.positions(places))
        return self.head(self.norm(self.blocks(x)))

    def loss(self, x, following):
        """The mean cross entropy of the characters that follow, in nats."""
        return functional.cross_entropy(self(x).flatten(0, 1), following.flatten())

    def continue_text(self, text, count: int, temperature: float = 1.0):
        """`count` more characters after `text` (length), drawn one by one."""
        self.eval()
        with tensorgrad.no_grad():
            for _ in range(count):
                scores = self(text[None, -self.context :])[0, -1] / temperature
                drawn = tensorgrad.multinomial(scores.softmax(-1), 1)
                text = tensorgrad.cat([text, drawn])
        return text
