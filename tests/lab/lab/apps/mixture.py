"""Two to four applications at once in one client: what a tunnel of a busy household carries."""

import dataclasses
import os
import threading

from .base import Application, say

SEPARATOR = "+"


class Mixture(Application):
    """Its label and variant are those of its parts, joined."""

    def __init__(self, session, lab, processes, folder, kinds):
        super().__init__(session, lab, processes, folder)
        self._parts = []
        for label, variant in zip(session.label.split(SEPARATOR), session.variant.split(SEPARATOR)):
            part = dataclasses.replace(session, label=label, variant=variant)
            self._parts.append(kinds[label](part, lab, processes, os.path.join(folder, label)))
        self._failures = []

    def prepare(self):
        for part in self._parts:
            part.route_back = self.route_back
            part.prepare()

    def rules(self):
        return [rule for part in self._parts for rule in part.rules()]

    def run(self):
        """Each part comes a little after the one before."""
        threads = [threading.Thread(target=self._run, args=(part,), daemon=True) for part in self._parts]
        for thread in threads:
            thread.start()
            self.pause(self.random.uniform(0.2, 3))
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _run(self, part):
        part.deadline = self.deadline
        try:
            part.run()
        except Exception as error:  # pylint: disable=broad-except
            say(f"  {self.session.name}: {part.label} failed: {error}")
            self._failures.append(error)

    def stop(self):
        for part in self._parts:
            part.stop()
