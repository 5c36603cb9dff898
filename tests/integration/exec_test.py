#!/usr/bin/env python3
"""flowmark-exec as a program: commands, their input, restarts, wrong use."""

import json
import os
import unittest

import rig
from actuator_rig import INNER, SERVER, Actuator, Stream, end, flow, mark, snapshot


class ExecTest(rig.FolderTest):
    def setUp(self):
        super().setUp()
        self.stream = Stream(self.folder)
        self.addCleanup(self.stream.close)

    def start(self, *options):
        return Actuator(self, "flowmark-exec", None, "--rate", "100", *options, "--", "sh", "-c",
                        "cat >> " + self.path("told"))

    def told(self):
        if not os.path.exists(self.path("told")):
            return []
        with open(self.path("told")) as file:
            return [json.loads(line) for line in file.read().splitlines()]

    def test_the_command_is_told_of_marks_and_ends(self):
        actuator = self.start("--once", "--max-children", "1")
        one = flow(INNER, SERVER)
        self.stream.accept(*snapshot(mark(one, 46)))
        rig.wait_for("the snapshot's line", lambda: len(self.told()) == 1)
        self.stream.send(mark(one, 34))
        rig.wait_for("the change", lambda: len(self.told()) == 2)
        self.stream.send(end(one))
        self.stream.hang_up()
        status, counters = actuator.finish()
        self.assertEqual(status, 0)
        self.assertEqual([(line["type"], line["dscp"], line.get("snapshot")) for line in self.told()],
                         [("mark", 46, True), ("mark", 34, None), ("end", None, None)])
        self.assertEqual((counters["set"], counters["failed"]), (3, 0))

    def test_after_a_lost_connection_only_what_changed_is_told(self):
        self.start("--max-children", "1")
        flows = [flow((INNER[0], port), SERVER) for port in (1, 2, 3)]
        self.stream.accept(*snapshot(*(mark(one, 46) for one in flows)))
        rig.wait_for("three lines", lambda: len(self.told()) == 3)
        self.stream.hang_up()
        self.stream.accept(*snapshot(mark(flows[0], 46), mark(flows[1], 34)))
        rig.wait_for("two lines more", lambda: len(self.told()) == 5)
        self.assertEqual([(line["type"], line["flow"]["source_port"], line.get("reason"))
                          for line in self.told()[3:]], [("mark", 2, None), ("end", 3, "gone")])

    def test_a_command_that_is_not_there_is_named(self):
        actuator = Actuator(self, "flowmark-exec", None, "--once", "--", "/nonexistent/hook")
        self.stream.accept(*snapshot(mark(flow(INNER, SERVER), 46)))
        self.stream.hang_up()
        status, counters = actuator.finish()
        self.assertEqual((status, counters["failed"]), (0, 1))
        self.assertIn("/nonexistent/hook", actuator.log())

    def test_wrong_use(self):
        for arguments, word in (([], "command"), (["--rate", "0", "--", "true"], "--rate"),
                                (["--lines", "x", "--", "true"], "--lines")):
            result = rig.run(rig.tool("flowmark-exec"), *arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn(word, result.stderr)


if __name__ == "__main__":
    unittest.main()
