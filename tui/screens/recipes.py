"""Recipes: every setting with its meaning, changed in place, checked while one types, kept as a recipe of one's own."""

import msgspec
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Input, Static

from pada_local.errors import UsageError
from pada_local.recipe import Recipe
from pada_local.runtime import recipes
from pada_local.runtime.recipes import Known
from tui import actions
from tui.drafts import DEFAULTS, FIELDS, SECTIONS, Draft, as_text, draft_of, meaning, typed, value_of, with_value, wrong_with
from tui.plain import block, line
from tui.screens.base import ProjectScreen
from tui.screens.dialogs import Question
from tui.screens.starting import next_seed
from tui.screens.typed import Checked, refusable
from tui.table import Table

ROWS = ["about", *(name for section in SECTIONS for name in (section, *(one for one in FIELDS if one.startswith(f"{section}."))))]
"""The lines of the list of fields: sections stand above their fields."""


class RecipesScreen(ProjectScreen):
    """What a run can be told to do."""

    NAME = actions.RECIPES
    BINDINGS = actions.bindings(actions.RECIPES)
    EXPLAINED = (
        "A recipe says how a run goes: how the student is trained, how patterns are found, how many samples are written, what "
        "the gate asks of them. 'pada' is the method, 'vanilla' trains once without new samples, 'random-strategies' writes "
        "samples without looking at failures: comparing the three tells what the method is worth on your data.\n\n"
        "Enter leads from the list to the settings, and from a setting to its value. A setting that differs from the recipe "
        "this one was made from has a star; r gives it its default, b the value of that recipe.\n\n"
        "Recipes that ship are never changed: s keeps what you changed as a recipe of yours, which can be named everywhere, also "
        "in 'pada run --recipe'. w starts a run of the open project with the marked recipe."
    )

    def body(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="left"):
                yield Table(id="recipes")
            with Vertical(id="right"):
                yield Static(id="about", classes="head")
                yield Table(id="fields")
                yield Input(id="edit", classes="hidden", select_on_focus=False)
                yield Static(id="meaning", classes="note")

    def on_mount(self) -> None:
        self._known: list[Known] = []
        self._now: dict[str, Recipe] = {}
        self._wanted = ""
        self.query_one("#recipes", DataTable).add_columns("recipe", "whose")
        table = self.query_one("#fields", DataTable)
        for name in ("field", "value", "base"):
            table.add_column(name, key=name)
        for name in ROWS:
            label = Text(f"[{name}]", "bold") if name in SECTIONS else Text("  " * ("." in name) + name.rpartition(".")[2])
            table.add_row(label, "", "", key=name)
        self.query_one("#recipes", DataTable).focus()

    # --- what is shown

    def reload(self) -> None:
        """The list again; what was changed and not saved stays."""
        table = self.query_one("#recipes", DataTable)
        known = self._marked()
        marked = self._wanted or (known.name if known else "")
        self._known, self._wanted = sorted(recipes.known(), key=lambda one: not one.own), ""
        self._now = {name: now for name, now in self._now.items() if name in {one.name for one in self._known}}
        table.clear()
        for one in self._known:
            table.add_row(self._label(one), "yours" if one.own else "ships")
        names = [one.name for one in self._known]
        table.move_cursor(row=names.index(marked) if marked in names else 0)
        self._show_fields()

    def _label(self, one: Known) -> Text:
        changed = one.name in self._now and self._now[one.name] != one.recipe
        return line(f"{'' if one.recipe else '✗ '}{one.name}{' *' if changed else ''}", 30)

    def _marked(self) -> Known | None:
        at = self.query_one("#recipes", DataTable).cursor_row
        return self._known[at] if 0 <= at < len(self._known) else None

    @property
    def draft(self) -> Draft | None:
        """The marked recipe with what was changed in it; None for one that cannot be used."""
        one = self._marked()
        return draft_of(one, self._known, self._now.get(one.name)) if one else None

    @property
    def field(self) -> str:
        """The field or section under the cursor."""
        return ROWS[self.query_one("#fields", DataTable).cursor_row]

    def _show_fields(self) -> None:
        draft, one, table = self.draft, self._marked(), self.query_one("#fields", DataTable)
        for name in ROWS:
            if name in SECTIONS:
                continue
            value = as_text(value_of(draft.now, name)) if draft else ""
            differs = draft is not None and draft.differs(name)
            base = f"{draft.base_name}: {as_text(value_of(draft.base, name))}" if draft and differs else ""
            cell = line(f"{'* ' if differs else '  '}{value}", 30)
            table.update_cell(name, "value", Text(cell.plain, "bold") if differs else cell, update_width=True)
            table.update_cell(name, "base", line(base, 40), update_width=True)
        told = f"{one.name if one else ''}: {_difference(draft) if draft else '✗ cannot be used'}"
        self.query_one("#about", Static).update(block(told))
        self._show_meaning()

    def _show_meaning(self) -> None:
        draft, one, name = self.draft, self._marked(), self.field
        if draft is None:
            self.query_one("#meaning", Static).update(block(f"✗ {one.problem}" if one else ""))
            return
        text = Text.assemble(block(meaning(name)))
        if name in FIELDS:
            base = f"; {as_text(value_of(draft.base, name))} in {draft.base_name}" if draft.differs(name) else ""
            text.append(
                block(f"\n{name} = {as_text(value_of(draft.now, name))}; default {as_text(DEFAULTS[name]) or 'nothing'}{base}")
            )
        for problem in draft.problems:
            text.append(block(f"\n✗ {problem}"))
        self.query_one("#meaning", Static).update(text)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        if event.data_table.id == "recipes":
            self._show_fields()
        else:
            self._show_meaning()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if event.data_table.id == "recipes":
            self.query_one("#fields", DataTable).focus()
        else:
            self.action_edit()

    # --- changing a field

    def why_not(self, call: str) -> str:
        draft, one = self.draft, self._marked()
        if call == "delete":
            return "" if one and one.own else "Recipes that ship are not deleted."
        if draft is None:
            return "This recipe cannot be used; the lower line says why."
        if call in ("edit", "reset", "back") and self.field in SECTIONS:
            return "A section is marked; mark one of its settings."
        if call == "undo" and not draft.changed:
            return "Nothing was changed."
        if call in ("save", "start") and draft.problems:
            return f"It breaks a rule: {'; '.join(draft.problems)}."
        return (
            "Save the changes first (s): a run is to be found again by its recipe." if call == "start" and draft.changed else ""
        )

    def _put(self, recipe: Recipe) -> None:
        """The marked recipe is now this one."""
        one = self._marked()
        if one is not None:
            self._now[one.name] = recipe
            table = self.query_one("#recipes", DataTable)
            table.update_cell_at((table.cursor_row, 0), self._label(one), update_width=True)
            self._show_fields()

    def action_edit(self) -> None:
        draft = self.draft
        if self.refused("edit") or draft is None:
            return
        edit = self.query_one("#edit", Input)
        edit.value = as_text(value_of(draft.now, self.field))
        edit.border_title = self.field
        edit.remove_class("hidden")
        edit.focus()
        edit.cursor_position = len(edit.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        draft = self.draft
        if draft is not None and event.input.has_focus:
            wrong = wrong_with(draft.now, self.field, event.value)
            state = f"✗ {wrong}" if wrong else "✓ Enter takes it, Escape leaves it as it was."
            self.query_one("#meaning", Static).update(Text.assemble(block(meaning(self.field)), "\n", block(state)))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """A value of the wrong kind stays in the line. One that breaks a rule is taken: another field may mend it."""
        draft = self.draft
        if draft is None:
            return
        try:
            now = with_value(draft.now, self.field, typed(self.field, event.value))
        except UsageError:
            return
        self.key_escape()
        self._put(now)

    def key_escape(self) -> None:
        """Leave the line and the field as it was."""
        edit = self.query_one("#edit", Input)
        if not edit.has_class("hidden"):
            edit.add_class("hidden")
            self.query_one("#fields", DataTable).focus()
            self._show_meaning()
        elif self.query_one("#fields", DataTable).has_focus:
            self.query_one("#recipes", DataTable).focus()

    def on_descendant_blur(self) -> None:
        """A line that has lost the keyboard is not shown any more."""
        edit = self.query_one("#edit", Input)
        if not edit.has_focus and self.app.screen is self:
            edit.add_class("hidden")

    def action_reset(self) -> None:
        if not self.refused("reset") and self.draft is not None:
            self._put(with_value(self.draft.now, self.field, DEFAULTS[self.field]))

    def action_back(self) -> None:
        draft = self.draft
        if not self.refused("back") and draft is not None:
            self._put(with_value(draft.now, self.field, value_of(draft.base, self.field)))

    def action_undo(self) -> None:
        draft = self.draft
        if not self.refused("undo") and draft is not None and draft.known.recipe is not None:
            self._put(draft.known.recipe)

    # --- keeping, deleting, running

    def action_save(self) -> None:
        draft = self.draft
        if self.refused("save") or draft is None:
            return
        one = draft.known
        own = {other.name for other in self._known if other.own}

        def keep(name: str) -> None:
            base = one.base if name == one.name else one.name
            self.ask(refusable(lambda: recipes.save_own(draft.now, name, base, replace=name in own)), kept)

        def kept(saved: Known) -> None:
            self._now.pop(one.name, None)
            self._now.pop(saved.name, None)
            self._wanted = saved.name
            self.notify(f"Saved as {saved.name}: {saved.path}", markup=False)
            self.reload()

        def named(name: str | None) -> None:
            if name and name in own:
                answers = [("", "Leave it as it is"), ("replace", "Replace it with what is shown here")]
                question = Question(f"You have a recipe {name} already.", answers)
                self.app.push_screen(question, lambda answer: keep(name) if answer else None)
            elif name:
                keep(name)

        title = "Name of your recipe"
        self.app.push_screen(Checked(title, one.name if one.own else f"my-{one.name}", recipes.name_problem), named)

    def action_delete(self) -> None:
        one = self._marked()
        if self.refused("delete") or one is None:
            return

        def chosen(answer: str | None) -> None:
            if answer:
                self._now.pop(one.name, None)
                self.ask(refusable(lambda: recipes.remove_own(one.name)), lambda _: self.reload())

        answers = [("", "Keep it"), ("delete", f"Delete {one.path}")]
        told = f"Delete your recipe {one.name}? Runs that used it keep what they need of it."
        self.app.push_screen(Question(told, answers), chosen)

    def action_start(self) -> None:
        draft, door = self.draft, self.pada.door
        if door is None:
            self.notify("Open a project first.", severity="warning")
        elif not self.refused("start") and draft is not None:
            self.ask(lambda: next_seed(door.ask("runs"), draft.now), lambda seed: self._ask_seed(draft.now, seed))

    def _ask_seed(self, recipe: Recipe, free: str) -> None:
        door = self.pada.door

        def chosen(text: str | None) -> None:
            if text and door is not None:
                body = msgspec.to_builtins(recipe)
                self.ask(lambda: door.ask("start", recipe=body, seed=int(text)), lambda _: self.pada.action_go(actions.RUN))

        ask = Checked(f"Seed of the run with {recipe.name} (another seed is another draw)", free, seed_problem)
        self.app.push_screen(ask, chosen)


def _difference(draft: Draft) -> str:
    """How the draft stands to what it was made from, in a few words."""
    count = sum(draft.differs(name) for name in FIELDS)
    if count == 0:
        return "unchanged" if draft.base_name == draft.known.name else f"as {draft.base_name}"
    return f"{count} {'field differs' if count == 1 else 'fields differ'} from {draft.base_name}"


def seed_problem(text: str) -> str:
    """Why a run cannot have this seed."""
    return "" if text.isascii() and text.isdigit() and len(text) <= 18 else "A seed is a whole number."
