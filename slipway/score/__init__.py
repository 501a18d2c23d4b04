"""The score: four parts and an overall, 0 to 100, computed from findings only. The formula is in docs/score.md."""

from slipway.score.formula import CAP, SHARES, UNREAD, WEIGHTS, Loss, Part, Score, score

__all__ = ["CAP", "SHARES", "UNREAD", "WEIGHTS", "Loss", "Part", "Score", "score"]
