"""The way to a new project, step by step.

draft.py      what was typed so far, and the plan that it makes
complete.py   names of files that a text may go on to
look.py       what is asked of files, metrics and models; for threads
fields.py     lines to type in, and what is offered below them
step.py       what the steps share: checking while somebody types, a sentence where something is wrong
screen.py     the steps in their order
and one file per step: files, rows, metric, task, models, recipe, summary
"""
