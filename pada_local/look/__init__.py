"""What screens ask of a project file beyond its rows: arms side by side, maps, filters, facts about the examples."""
