"""Columns are as wide as what stands in them, even where a busy machine drew them too early."""

import asyncio

from textual.app import App

from tests.tui.conftest import shown, until
from tui.app import SCREENS, PadaApp
from tui.table import Table


class OneTable(App):
    def compose(self):
        yield Table(id="rows")


def test_rows_that_were_drawn_before_they_were_measured_are_drawn_again():
    async def play():
        app = OneTable()
        async with app.run_test(size=(60, 10)) as pilot:
            table = app.query_one(Table)
            table.add_columns("a", "b")
            await pilot.pause()
            table.add_row("a long first cell", "and the last")
            for line in range(2):
                table.render_line(line)  # what the screen's own timer may do at any time
            await until(pilot, lambda: "a long first cell  and the last" in shown(app), 5)

    asyncio.run(play())


def test_no_table_of_the_app_has_a_column_twice(finished):
    app = PadaApp(finished)

    async def play():
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: getattr(app.screen, "NAME", "") == "run")
            for name in SCREENS:
                app.action_go(name)
                await until(pilot, lambda name=name: name == app.screen.NAME and app.screen.is_mounted)
                for table in app.screen.query(Table):
                    await until(pilot, lambda table=table: table.columns)
                    labels = [str(column.label) for column in table.columns.values()]
                    assert len(labels) == len(set(labels)), (name, labels)

    asyncio.run(play())
