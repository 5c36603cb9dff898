#!/usr/bin/env python3
"""The daemon while its time of day is set by a day, forth and back."""

import contextlib
import os
import struct
import unittest

import rig

DAY_S = 86400


class ClocksTest(rig.FolderTest):
    def set_clock(self, shift_s):
        with open(self.path("shift"), "r+b" if os.path.exists(self.path("shift")) else "wb") as file:
            file.write(struct.pack("=q", shift_s))

    @contextlib.contextmanager
    def shifted(self):
        """What is started here has the clock that set_clock() sets, also later."""
        os.environ.update(CLOCK_SHIFT=self.path("shift"), LD_PRELOAD=tool_path("libclock_shift.so"))
        try:
            yield
        finally:
            del os.environ["CLOCK_SHIFT"], os.environ["LD_PRELOAD"]

    def test_only_the_time_of_day_shows_it(self):
        rig.make_model(self.path("m.onnx"), "voip", "streaming")
        port = rig.free_port()
        config = self.base_config() + (
            "ports: [{name: net_null0, role: lan}, {name: net_null1, role: wan}]\n"
            "models: [{name: category, path: m.onnx}]\n"
            "metrics: {listen: '127.0.0.1:%d'}\n" % port)
        os.environ["WATCHDOG_USEC"] = "400000"
        self.addCleanup(os.environ.pop, "WATCHDOG_USEC")
        self.set_clock(0)
        with self.shifted():
            daemon = rig.Daemon(self.folder, config)
        with daemon:
            for shift_s in (DAY_S, -DAY_S, 3 * DAY_S, 0):
                self.set_clock(shift_s)
                with self.shifted():
                    today = rig.run("date", "+%Y-%m-%dT").stdout.strip()
                before = daemon.ctl("status")
                self.assertGreaterEqual(before["uptime_s"], 0)
                self.assertLess(before["uptime_s"], DAY_S / 2)
                daemon.forget_notifications()
                daemon.wait_notification("WATCHDOG=1")
                daemon.hang_up()
                self.assertIn("\n" + today, daemon.log(), "lines of the log have the time of day")
                rig.wait_for("packets", lambda: (
                    daemon.ctl("status")["received"] > before["received"]))
                self.assertIn("flowmark_packets_total", rig.scrape(port))
            # Files and the control socket are still watched.
            generation = daemon.ctl("status")["generation"]
            rig.make_model(self.path("m.onnx"), "streaming", "voip")
            rig.wait_for("the new model",
                         lambda: daemon.ctl("status")["generation"] > generation)
            self.assertEqual(daemon.stop()[0], 0)


def tool_path(name):
    return os.path.abspath(rig.tool(name))


if __name__ == "__main__":
    rig.need_tools("date")
    unittest.main()
