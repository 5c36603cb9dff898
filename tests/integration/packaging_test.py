#!/usr/bin/env python3
"""What is installed beside the programs: systemd units, rules, helper scripts."""

import os
import shutil
import unittest

import rig


class SystemdTest(rig.FolderTest):
    def test_units_pass_verification_without_a_word(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not there")
        for name in ("flowmarkd.service", "flowmark-hugepages.service"):
            with open(os.path.join(rig.SOURCE, "systemd", name)) as file:
                unit = file.read()
            # The installed places of the programs do not exist here.
            unit = unit.replace("/usr/bin/flowmarkd", os.path.abspath(rig.tool("flowmarkd")))
            unit = unit.replace("/usr/libexec/flowmark/flowmark-hugepages",
                                os.path.abspath(os.path.join(rig.SOURCE,
                                                             "systemd/flowmark-hugepages")))
            with open(self.path(name), "w") as file:
                file.write(unit)
        result = rig.run("systemd-analyze", "verify", "--man=no", self.path("flowmarkd.service"),
                         self.path("flowmark-hugepages.service"))
        self.assertEqual(result.stdout + result.stderr, "")
        self.assertEqual(result.returncode, 0)

    def test_hugepages_helper_only_raises_the_number(self):
        helper = os.path.join(rig.SOURCE, "systemd/flowmark-hugepages")
        for present, wanted_mb, expected in (("10\n", "64", "32"), ("100\n", "64", "100"),
                                             ("0\n", "0", "0")):
            with open(self.path("nr"), "w") as file:
                file.write(present)
            result = rig.run("sh", helper, env=dict(os.environ, FLOWMARK_HUGEPAGES_MB=wanted_mb,
                                                    FLOWMARK_HUGEPAGES_FILE=self.path("nr")))
            self.assertEqual(result.returncode, 0, result.stderr)
            with open(self.path("nr")) as file:
                self.assertEqual(file.read().strip(), expected)
        result = rig.run("sh", helper, env=dict(os.environ, FLOWMARK_HUGEPAGES_MB="lots"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("value lots", result.stderr)


class RulesTest(unittest.TestCase):
    def test_prometheus_rules(self):
        if shutil.which("promtool") is None:
            self.skipTest("promtool is not there")
        folder = os.path.join(rig.SOURCE, "config/prometheus")
        for command in (("check", "rules", "flowmark.rules.yml"),
                        ("test", "rules", "flowmark.rules.test.yml")):
            result = rig.run("promtool", *command, cwd=folder)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class CommandLineTest(unittest.TestCase):
    def test_version_help_and_wrong_use(self):
        for name in ("flowmarkd", "flowmark"):
            version = rig.run(rig.tool(name), "--version")
            self.assertEqual((version.returncode, version.stdout.split()[0]), (0, name))
            self.assertEqual(rig.run(rig.tool(name), "--help").returncode, 0)
            command = {"flowmarkd": [], "flowmark": ["ctl", "status"]}[name]
            wrong = rig.run(rig.tool(name), *command, "--nonsense")
            self.assertEqual(wrong.returncode, 2)
            self.assertIn("--nonsense", wrong.stderr)

    def test_ctl_names_the_socket_nobody_answers_on(self):
        result = rig.run(rig.tool("flowmark"), "ctl", "--socket", "/nonexistent/s", "status")
        self.assertEqual(result.returncode, 1)
        self.assertIn("/nonexistent/s", result.stderr)


if __name__ == "__main__":
    unittest.main()
