"""A small vision transformer for handwritten digits."""

import tensorgrad


class Block(tensorgrad.nn.Module):
    """Attention among the patches, then a network for each of them; both add to what they are given."""

    def __init__(self, embed: int, num_heads: int, dropout: float):
        super().__init__()
        self.norm1 = tensorgrad.nn.LayerNorm(embed)
        self.attention = tensorgrad.nn.MultiheadAttention(embed, num_heads, batch_first=True)
        self.dropout = tensorgrad.nn.Dropout(dropout)
        self.norm2 = tensorgrad.nn.LayerNorm(embed)
        self.mlp = tensorgrad.nn.Sequential(
            tensorgrad.nn.Linear(embed, 4 * embed),
            tensorgrad.nn.GELU(),
            tensorgrad.nn.Linear(4 * embed, embed),
            tensorgrad.nn.Dropout(dropout),
        )

    def forward(self, x):
        y = self.norm1(x)
        y, _ = self.attention(y, y, y, need_weights=False)
        x = x + self.dropout(y)
        return x + self.mlp(self.norm2(x))


class ViT(tensorgrad.nn.Module):
    """Scores of shape (batch, classes) for images of shape (batch, 1, image_size, image_size).

    Args:
        image_size: the side of the images.
        patch_size: the side of the square patches; it must divide image_size.
        embed: the width of each patch's vector; num_heads must divide it.
        num_heads: of each attention.
        num_layers: how many blocks.
        num_classes: how many scores.
        dropout: the share of values dropped while training.

    Raises:
        ValueError: sizes that do not divide.
    """

    def __init__(
        self,
        image_size: int = 28,
        patch_size: int = 7,
        embed: int = 64,
        num_heads: int = 4,
        num_layers: int = 4,
        num_classes: int = 10,
        dropout: float = 0.1,
    ):
        super().__init__()
        if image_size % patch_size:
            raise ValueError(f"patches of side {patch_size} do not cut images of side {image_size} evenly")
        if embed % num_heads:
            raise ValueError(f"{num_heads} heads do not cut a width of {embed} evenly")
        patches = (image_size // patch_size) ** 2
        self.patches = tensorgrad.nn.Conv2d(1, embed, kernel_size=patch_size, stride=patch_size)
        self.class_token = tensorgrad.nn.Parameter(tensorgrad.zeros(1, 1, embed))
        self.positions = tensorgrad.nn.Parameter(tensorgrad.randn(1, patches + 1, embed) * 0.02)
        self.dropout = tensorgrad.nn.Dropout(dropout)
        self.blocks = tensorgrad.nn.Sequential(*(Block(embed, num_heads, dropout) for _ in range(num_layers)))
        self.norm = tensorgrad.nn.LayerNorm(embed)
        self.head = tensorgrad.nn.Linear(embed, num_classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = tensorgrad.cat([self.class_token.expand(len(x), -1, -1), x], dim=1)
        x = self.blocks(self.dropout(x + self.positions))
        return self.head(self.norm(x[:, 0]))
