"""The stages of a round. Each reads rows, writes rows and emits events; none calls another (see `loop` for their order)."""
