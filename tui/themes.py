"""Colours by meaning; every state also has a word or a mark, so that none of them is needed."""

from textual.theme import Theme

from pada_local.runtime.safe import safe_line

THEMES = (
    Theme("pada-dark", primary="#6cb6d9", secondary="#a0a8b8", accent="#d9a441", success="#7fb87f", warning="#d9a441",
          error="#d97b6c", foreground="#e0e3e8", background="#14171c", surface="#1b1f26", panel="#242a33", dark=True),
    Theme("pada-light", primary="#1c5f85", secondary="#555f70", accent="#8a5a00", success="#2c6b2c", warning="#8a5a00",
          error="#a33a2a", foreground="#1b1f26", background="#fafaf7", surface="#f0f0ec", panel="#e4e4de", dark=False),
    Theme("pada-contrast", primary="#ffff00", secondary="#ffffff", accent="#00ffff", success="#00ff00", warning="#ffff00",
          error="#ff6060", foreground="#ffffff", background="#000000", surface="#000000", panel="#202020", dark=True),
)  # fmt: skip
MARKS = {
    "done": "✓", "skipped": "=", "running": "▸", "paused": "‖", "held": "‖", "stopped": "■", "failed": "✗",
    "waiting for review": "?",
    "accepted": "✓", "rejected": "✗", "duplicate": "≈", "leaked": "!", "unparsable": "…", "pending": "·", "excluded": "–",
    "ok": "✓", "note": "·", "missing": "✗", "as recorded": "✓", "verified": "✓", "changed": "✗", "not there": "✗",
    "unusable": "✗",
}  # fmt: skip


def mark(state: str) -> str:
    """State as a mark and its word. A foreign file may hold any word: in a table it still needs `plain.line`."""
    return f"{MARKS.get(state, '·')} {safe_line(state, 24)}"
