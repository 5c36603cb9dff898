"""Games in real time, each against a server of its own: Minetest, Doom, Teeworlds, OpenArena.

Pictures are small or none at all, as software draws them; what a game sends does not depend on them.
"""

import hashlib
import os
import threading

from ..packets import UDP, Rule
from .screen import ScreenApplication

_GAMES = "/usr/games/"
_PORTS = {"minetest": 30000, "doom": 2342, "teeworlds": 8303, "openarena": 27960}
_MAPS = {"teeworlds": ("dm1", "dm2", "dm6", "dm7", "dm8", "dm9", "ctf1", "ctf3"),
         "openarena": ("oa_dm1", "oa_dm2", "oa_dm4", "oa_dm5", "oa_dm7", "oa_rpg3dm2", "oa_shouse")}
_SCREEN = 640, 480
_MAKING = threading.Lock()

_MINETEST = """port = {port}
bind_address = {bind}
ipv6_server = {ipv6}
enable_ipv6 = true
server_announce = false
mg_name = {map}
fixed_map_seed = {seed}
creative_mode = {creative}
enable_damage = true
max_block_send_distance = {distance}
dedicated_server_step = {step}
video_driver = null
enable_sound = false
fps_max = {fps}
fps_max_unfocused = {fps}
viewing_range = {range}
"""


def _minetest_cache(folder):
    """A cache with all that the game's servers hand out, each file named by its SHA-1, made once for a run."""
    with _MAKING:
        if not os.path.isdir(folder):
            media = os.path.join(folder + ".part", "minetest", "media")
            os.makedirs(media)
            for path, _, names in os.walk("/usr/share/games/minetest/games/minetest_game/mods"):
                for name in names:
                    if os.path.basename(path) in ("textures", "sounds", "models", "media", "locale"):
                        with open(os.path.join(path, name), "rb") as file:
                            data = file.read()
                        with open(os.path.join(media, hashlib.sha1(data).hexdigest()), "wb") as file:
                            file.write(data)
            os.rename(folder + ".part", folder)
    return folder


class Gaming(ScreenApplication):
    label = "gaming"
    variants = ("minetest", "openarena", "doom", "teeworlds")
    ipv4_variants = ("openarena", "doom")

    def prepare(self):
        self.add_host()
        self.port = _PORTS[self.session.variant]
        getattr(self, f"_prepare_{self.session.variant}")()

    def rules(self):
        return [Rule(UDP, frozenset([self.port]), frozenset([self.host_address]))]

    def run(self):
        game = getattr(self, f"_run_{self.session.variant}")()
        self.pause(self.session.seconds)
        self.must_run(game)

    # -- Minetest: digging and building; its client plays at random by itself

    def _prepare_minetest(self):
        dice = self.random
        self._settings = os.path.join(self.folder, "minetest.conf")
        with open(self._settings, "w", encoding="utf-8") as file:
            file.write(_MINETEST.format(
                port=self.port, bind=self.host_address, ipv6=str(self.session.family == 6).lower(),
                map=dice.choice(("v7", "flat", "valleys", "carpathian", "v5")), seed=dice.randrange(1 << 30),
                creative=dice.choice(("true", "false")), distance=dice.randint(2, 6),
                step=dice.choice((0.05, 0.09, 0.1)), fps=dice.choice((12, 15, 20)), range=dice.choice((30, 50, 80))))
        server = self.host_process(
            "/usr/lib/minetest/minetestserver", "--config", self._settings, "--world",
            os.path.join(self.home("server"), "world"), "--gameid", "minetest", "--logfile", "",
            log="minetestserver", env=self.environment("server"))
        self.processes.wait_for_log(server, "minetestserver", "listening on", 40)

    def _run_minetest(self):
        """Most players have been there before: their game has the server's pictures and sounds already."""
        environment = self.environment("client")
        if self.random.random() < 0.85:
            environment["XDG_CACHE_HOME"] = _minetest_cache(os.path.join(self.lab.folder, "minetest"))
        return self.client_process(
            _GAMES + "minetest", "--config", self._settings, "--go", "--address", self.host_address, "--port",
            str(self.port), "--name", f"player{self.session.number}", "--password", "secret", "--random-input",
            "--logfile", "", log="minetest", env=environment)

    # -- Doom: two players, each machine tells the server its every move, 35 a second

    def _prepare_doom(self):
        self.start_screen(_SCREEN)
        self.start_screen(_SCREEN, far=True)
        self.host_process(_GAMES + "chocolate-server", "-privateserver", "-port", str(self.port), log="doom-server")

    def _start_doom(self, namespace, name, options, far):
        return self.processes.start(
            namespace, _GAMES + "chocolate-doom", "-connect", f"{self.host_address}:{self.port}", "-nosound",
            "-window", "-geometry", "320x240", "-nodes", "2", *options, log="doom-" + name,
            env=self.environment(name, far))

    def _run_doom(self):
        dice = self.random
        wad = dice.choice(("freedoom1", "freedoom2"))
        level = (dice.randint(1, 4), dice.randint(1, 8)) if wad == "freedoom1" else (dice.randint(1, 24),)
        options = ["-iwad", f"/usr/share/games/doom/{wad}.wad", "-warp", *map(str, level), "-skill",
                   str(dice.randint(1, 4)), "-extratics", str(dice.randint(0, 2)),
                   *dice.choice((["-deathmatch"], ["-altdeath"], []))]
        if dice.random() < 0.2:
            options += ["-dup", "2"]
        self._start_doom(self.host, "far", options, True)
        game = self._start_doom(self.client, "client", options, False)
        for far in (False, True):
            self.start_hands("play", (("Up", "Up", "Down", "Left", "Right"), ("space", "1", "2", "3")), far)
        return game

    # -- Teeworlds: two players

    def _prepare_teeworlds(self):
        self.start_screen(_SCREEN)
        self.start_screen(_SCREEN, far=True)
        level = self.random.choice(_MAPS["teeworlds"])
        server = self.host_process(
            _GAMES + "teeworlds-server", f"sv_port {self.port}", f"sv_map {level}", "sv_register 0",
            f"sv_gametype {'ctf' if level.startswith('ctf') else self.random.choice(('dm', 'tdm'))}",
            f"sv_high_bandwidth {self.random.randint(0, 1)}", log="teeworlds-server", env=self.environment("server"))
        self.processes.wait_for_log(server, "teeworlds-server", "server name is")
        self._start_teeworlds(self.host, "far", True)
        self.processes.wait_for_log(server, "teeworlds-server", "has entered the game", 60)

    def _start_teeworlds(self, namespace, name, far):
        settings = ("gfx_fullscreen 0", "gfx_screen_width 120", "gfx_screen_height 90", "gfx_limitfps 1",
                    "gfx_maxfps 30", "gfx_highdetail 0", "cl_show_menu_map 0", "snd_enable 0", "cl_cpu_throttle 30",
                    "cl_cpu_throttle_inactive 30", f"player_name {name}")
        # It draws by itself, and sends once a picture: one that waits for the processor is no player.
        return self.processes.start(namespace, "nice", "-n", "-5", _GAMES + "teeworlds", *settings,
                                    f"connect {self.host_literal}:{self.port}", log="teeworlds-" + name,
                                    env=self.environment(name, far))

    def _run_teeworlds(self):
        game = self._start_teeworlds(self.client, "client", False)
        for far in (False, True):
            self.start_hands("play", (("a", "d"), ("space", "space", "1", "2", "3")), far)
        return game

    # -- OpenArena: against the server's bots

    def _prepare_openarena(self):
        self.start_screen(_SCREEN)
        dice = self.random
        bots = [word for name in dice.sample(("sarge", "grunt", "kyonshi", "major", "gargoyle", "skelebot"),
                                             dice.randint(1, 5)) for word in ("+addbot", name, "3")]
        # "devmap": only a server that allows it lets a client leave out the drawing.
        self.host_process(
            _GAMES + "openarena-server", "+set", "dedicated", "1", "+set", "net_port", str(self.port), "+set",
            "net_enabled", "1", "+set", "bot_enable", "1", "+set", "bot_nochat", "1", "+set", "sv_fps",
            str(dice.choice((20, 20, 30, 40))), "+set", "sv_pure", "0", "+set", "timelimit", "0", "+set", "fraglimit",
            "0", "+devmap", dice.choice(_MAPS["openarena"]), *bots, log="openarena-server",
            env=self.environment("server"))

    def _run_openarena(self):
        dice = self.random
        settings = {"r_fullscreen": 0, "r_mode": -1, "r_customwidth": 160, "r_customheight": 120, "s_initsound": 0,
                    "r_allowExtensions": 0, "cl_renderer": "opengl1", "com_introplayed": 1, "net_enabled": 1,
                    "com_maxfps": dice.choice((40, 60, 85)), "cl_maxpackets": dice.choice((30, 42, 60, 100)),
                    "snaps": dice.choice((20, 30, 40)), "rate": dice.choice((8000, 25000)),
                    "cl_packetdup": dice.randint(0, 2)}
        settings["com_maxfpsUnfocused"] = settings["com_maxfps"]
        game = self.client_process(
            _GAMES + "openarena", *(word for key, value in settings.items() for word in ("+set", key, str(value))),
            "+connect", f"{self.host_address}:{self.port}", "+set", "r_skipBackEnd", "1", log="openarena",
            env=self.environment("client"))
        self.start_hands("play", (("w", "w", "a", "s", "d"), ("space", "1", "2", "3", "c")))
        return game
