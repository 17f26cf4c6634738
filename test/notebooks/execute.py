"""Runs a notebook with a kernel, as Jupyter does, and writes it with its outputs, and as a page.

execute.py KERNEL NOTEBOOK FOLDER OUTPUT [PAGE]
"""

import sys
from queue import Empty

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbclient.util import ensure_async
from nbconvert import HTMLExporter


class PatientClient(NotebookClient):
    """Takes results that come after the kernel said it was idle: Deno's sends both side by side, in either order."""

    async def async_execute_cell(self, cell, cell_index, **options):
        executed = await super().async_execute_cell(cell, cell_index, **options)
        if cell.cell_type != "code":
            return executed
        while True:
            try:
                message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=0.3))
            except Empty:
                break
            if message["msg_type"] != "status":
                self.process_message(message, cell, cell_index)
        # Progress leaves an empty line behind where it was shown, which depends on how long something took.
        cell.outputs = [one for one in cell.outputs if one.get("data") != {"text/plain": ""}]
        return executed


kernel, source, folder, target, *page = sys.argv[1:]
notebook = nbformat.read(source, as_version=4)
client = PatientClient(
    notebook,
    kernel_name=kernel,
    timeout=60,
    startup_timeout=60,
    record_timing=False,
    resources={"metadata": {"path": folder}},
)
try:
    client.execute()
except CellExecutionError as failed:
    sys.exit(f"{source}: a cell failed\n{failed}")
finally:
    nbformat.write(notebook, target)
for path in page:
    html, _ = HTMLExporter(template_name="lab").from_notebook_node(notebook)
    with open(path, "w", encoding="utf-8") as file:
        file.write(html)
