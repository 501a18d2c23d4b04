"""The pinned tools: what they are, where they stand, and how they are built from Go modules."""

from tools.installed import bin_dirs, inventory, locate

__all__ = ["bin_dirs", "inventory", "locate"]
