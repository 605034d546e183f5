"""The cockpit: a Textual app over the engine's events and questions. It never opens a project file and never loads a model.

actions.py    one table: keys, palette, help
plain.py      the way of every foreign text onto the screen
door.py       one project's host: questions, decisions, events
feed.py       events from a thread to messages
themes.py     colours by meaning
glyphs.py     the same without Unicode
panels.py     what each panel shows
reasons.py    why an action cannot be taken now
drafts.py     a recipe that is being changed
kept.py       what is remembered of a person
loading.py    which screens there are, each loaded when it is first shown
app.py        the app
screens/      one file per screen
"""
