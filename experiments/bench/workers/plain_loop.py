"""The plain loop: SASRec and DuoRec as one would first write them from the paper, in PyTorch's own layers.

Every history is padded on the right to 50 items and encoded by `nn.TransformerEncoder`; every view is a pass
of its own; Adam is PyTorch's default one.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

LENGTH, DIM, HEADS, LAYERS, INNER, DROPOUT = 50, 64, 2, 2, 256, 0.5
BATCH, LAMBDA = 256, 0.1


class Recommender(nn.Module):
    """Eq. 8-10 for histories padded to `LENGTH`."""

    def __init__(self, n_items: int, dropout: float = DROPOUT):
        super().__init__()
        self.items = nn.Embedding(n_items + 1, DIM, padding_idx=0)
        self.positions = nn.Embedding(LENGTH, DIM)
        self.norm, self.dropout = nn.LayerNorm(DIM, eps=1e-12), nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            DIM, HEADS, INNER, dropout, activation="gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.register_buffer("future", torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1))
        nn.init.normal_(self.items.weight, std=0.02)
        nn.init.normal_(self.positions.weight, std=0.02)

    def forward(self, histories: Tensor, lengths: Tensor) -> Tensor:
        """h `[B, d]` of padded histories int64 `[B, LENGTH]`."""
        x = self.dropout(self.norm(self.items(histories) + self.positions.weight))
        x = self.encoder(x, mask=self.future, is_causal=True)
        return x[torch.arange(len(x)), lengths - 1]

    def scores(self, h: Tensor) -> Tensor:
        """Scores of the real items, `[B, n_items]`; item i is column i - 1."""
        return h @ self.items.weight[1:].T


def contrastive_loss(first: Tensor, second: Tensor, targets: Tensor) -> Tensor:
    """Eq. 14 in both directions, temperature 1, without negatives of the same target."""
    views = torch.cat([first, second])
    twice = torch.cat([targets, targets])
    positive = torch.arange(len(views)).roll(len(first))
    left_out = twice[:, None] == twice
    left_out[torch.arange(len(views)), positive] = False
    return 2 * functional.cross_entropy((views @ views.T).masked_fill(left_out, -torch.inf), positive)


def read_log(path: Path) -> list[list[int]]:
    """The items of every user, oldest first, from lines `user item item …`."""
    return [[int(word) for word in line.split()[1:]] for line in path.read_text().splitlines()]


def padded(users: list[list[int]], ends: list[tuple[int, int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Histories, lengths and targets of the samples (user, position of the target)."""
    histories = torch.zeros(len(ends), LENGTH, dtype=torch.int64)
    lengths = torch.empty(len(ends), dtype=torch.int64)
    for row, (user, end) in enumerate(ends):
        history = users[user][max(0, end - LENGTH) : end]
        histories[row, : len(history)] = torch.tensor(history)
        lengths[row] = len(history)
    return histories, lengths, torch.tensor([users[user][end] for user, end in ends])


class Training:
    """Shuffled steps over every prefix of the training part."""

    def __init__(self, users: list[list[int]], variant: str):
        self.variant = variant
        n_items = max(max(items) for items in users)
        samples = [(user, end) for user, items in enumerate(users) for end in range(1, len(items) - 2)]
        self.histories, self.lengths, self.targets = padded(users, samples)
        self.test = padded(users, [(user, len(items) - 1) for user, items in enumerate(users)])
        self.same_target: dict[int, list[int]] = {}
        for row, target in enumerate(self.targets.tolist()):
            self.same_target.setdefault(target, []).append(row)
        self.model = Recommender(n_items)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.order: list[Tensor] = []

    def step(self) -> int:
        """One batch of Eq. 15; returns its number of samples."""
        if not self.order:
            self.order = list(torch.randperm(len(self.targets)).split(BATCH))[::-1]
        rows = self.order.pop()
        targets = self.targets[rows]
        self.model.train()
        h = self.model(self.histories[rows], self.lengths[rows])
        loss = functional.cross_entropy(self.model.scores(h), targets - 1)
        if self.variant == "duorec":
            partners = self.partners(targets)
            again = self.model(self.histories[rows], self.lengths[rows])
            same = self.model(self.histories[partners], self.lengths[partners])
            loss = loss + LAMBDA * contrastive_loss(again, same, targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return len(rows)

    def partners(self, targets: Tensor) -> Tensor:
        """A random sample of the same target for each."""
        choices = [self.same_target[target] for target in targets.tolist()]
        return torch.tensor([rows[int(torch.randint(len(rows), ()))] for rows in choices])

    @torch.no_grad()
    def evaluate(self, n_users: int) -> Tensor:
        """Rank the test targets of the first `n_users` among all items."""
        self.model.eval()
        histories, lengths, targets = (part[:n_users].split(BATCH) for part in self.test)
        ranks = []
        for batch, length, target in zip(histories, lengths, targets, strict=True):
            scores = self.model.scores(self.model(batch, length))
            ranks.append(1 + (scores > scores.gather(1, target[:, None] - 1)).sum(1))
        return torch.cat(ranks)
