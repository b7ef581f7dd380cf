"""Finding the program in hand-ins as students make them: each row stands for a kind."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from grader.errors import UsageError
from grader.languages import recipe, recipes
from grader.languages.contents import chosen_by, role_by_text, transport_by_text
from grader.languages.native import MAIN_IN_C
from grader.model import Role, Transport
from tests.test_languages import submission_of

SERVER = "s.bind(('', 1)); s.listen(); c, _ = s.accept()\n"
CLIENT = "s.connect((host, port))\n"
UDP_SERVER = "s = socket(AF_INET, SOCK_DGRAM); s.bind(('', 1))\n"
UDP_CLIENT = "s = socket(AF_INET, SOCK_DGRAM); s.sendto(b'', where)\n"


def programs(texts: Mapping[str, str], transport: Transport = "tcp") -> tuple[str, str]:
    """The server and the client that are found; "" where there is none."""
    found, lacking = recipes(submission_of({**texts}), ["server", "client"], {}, transport)
    assert {*found, *lacking} == {"server", "client"}
    return tuple(found[role].program if role in found else "" for role in ("server", "client"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("names", "server", "client"),
    [
        (["serv.py", "cli.py"], "serv.py", "cli.py"),
        (["tcpserv01.c", "tcpcli01.c"], "tcpserv01.c", "tcpcli01.c"),
        (["service.py", "click.py", "server.py", "client.py"], "server.py", "client.py"),
        (["sunucu.py", "istemci.py"], "sunucu.py", "istemci.py"),
        (["serwer.py", "klient.py"], "serwer.py", "klient.py"),
        (["server_old.py", "server_final.py", "old_client.py", "new_client.py"], "server_final.py", "new_client.py"),
        (
            ["my server.py", "my server - Copy.py", "Copy of my client.py", "my client.py"],
            "my server.py",
            "my client.py",
        ),
        (["x/server.py", "x backup/server.py", "x/client.py", "x (copy)/client.py"], "x/server.py", "x/client.py"),
        (["server (1).py", "client (1).py"], "server (1).py", "client (1).py"),
        (["server_v1.py", "server v2.py", "server_v10.py", "client.py"], "server_v10.py", "client.py"),
        (
            ["server_final.py", "server_final_final.py", "ClientFinal.py", "ClientFinal2.py"],
            "server_final_final.py",
            "ClientFinal2.py",
        ),
        (["server.pyw", "client.pyw"], "server.pyw", "client.pyw"),
        (["src/server.py", ".history/src/server.py", "src/client.py"], "src/server.py", "src/client.py"),
        (["server.ts", "server.d.ts", "vite.config.ts", "client.ts", "client.spec.ts"], "", ""),
        (["my_server.py", "my_server_test.py", "my_client.py", "test_my_client.py"], "my_server.py", "my_client.py"),
        (["main.py", "server/server.py", "client/client.py"], "server/server.py", "client/client.py"),
        (["main.py", "client/main.py"], "main.py", "client/main.py"),
    ],
)
def test_names_tell_the_programs(names: list[str], server: str, client: str) -> None:
    texts = dict.fromkeys(names, "import net from 'net'\n" if names[0].endswith(".ts") else "")
    if not server:
        server, client = "server.ts", "client.ts"
    texts.update({name: "int main(void) {\n}\n" for name in names if name.endswith(".c")})
    assert programs(texts) == (server, client)


@pytest.mark.parametrize(
    ("texts", "server", "client"),
    [
        (
            {
                "server.py": "import socket\n\ndef serve():\n    pass\n",
                "run_server.py": "from server import serve\nserve()\n",
                "client.py": "class Client:\n    pass\n",
                "start_client.py": "import client\nif __name__ == '__main__':\n    client.Client()\n",
            },
            "run_server.py",
            "start_client.py",
        ),
        # What imports it does nothing either, or is a test, or the other program; or it does something by itself.
        (
            {
                "server.py": "def f():\n    pass\n",
                "more_server.py": "import server\nclass More:\n    pass\n",
                "client.py": "",
            },
            "server.py",
            "client.py",
        ),
        ({"server.py": "def f():\n    pass\n", "test_server.py": "import server\nserver.f()\n"}, "server.py", ""),
        ({"server.py": "def f():\n    pass\n", "client.py": "import server\nserver.f()\n"}, "server.py", "client.py"),
        ({"server.py": "def f():\n    pass\nf()\n", "run_server.py": "import server\nserver.f()\n"}, "server.py", ""),
    ],
)
def test_what_only_defines_is_a_helper_of_what_uses_it(texts: dict[str, str], server: str, client: str) -> None:
    assert programs(texts) == (server, client)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_programs_for_the_other_transport_are_no_rivals(transport: Transport) -> None:
    kurose = ["TCPServer.py", "TCPClient.py", "UDPServer.py", "UDPClient.py"]
    folders = ["tcp/server.py", "udp/server.py", "tcp/client.py", "udp/client.py"]
    for names in (kurose, folders):
        assert all(transport in name.lower() for name in programs(dict.fromkeys(names, ""), transport))
    # Words decide before texts; where neither says anything, texts do.
    texts = {"server_1.py": f"SOCK_STREAM {SERVER}", "server_2.py": UDP_SERVER, "client.py": ""}
    assert programs(texts, transport)[0] == {"tcp": "server_1.py", "udp": "server_2.py"}[transport]
    assert programs({"udp_server.py": "", "client.py": ""}, "tcp")[0] == "udp_server.py"


@pytest.mark.parametrize(
    ("texts", "transport", "found"),
    [
        ({"a.py": SERVER, "b.py": CLIENT}, "tcp", ("a.py", "b.py")),
        ({"a.py": UDP_CLIENT, "b.py": UDP_SERVER}, "udp", ("b.py", "a.py")),
        ({"a.py": CLIENT, "b.py": SERVER, "c.py": "PORT = 1\n"}, "tcp", ("b.py", "a.py")),
        ({"hw.py": CLIENT}, "tcp", ("", "hw.py")),
        ({"hw.py": SERVER}, "tcp", ("hw.py", "")),
        (
            {"app.js": "require('net').createServer()", "b/c.js": "require('net').connect(1)"},
            "tcp",
            ("app.js", "b/c.js"),
        ),
    ],
)
def test_texts_tell_the_programs_where_names_do_not(
    texts: dict[str, str], transport: Transport, found: tuple[str, str]
) -> None:
    assert programs(texts, transport) == found


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("listener = new ServerSocket(port)", "server"),
        ('ln, err := net.Listen("tcp", ":"+port)', "server"),
        ("TcpListener::bind(addr)", "server"),
        ("IO::Socket::INET->new(LocalPort => 1, Listen => 5)", "server"),
        ("asyncio.start_server(handle)", "server"),
        ("Socket s = new Socket(host, port);", "client"),
        ('net.Dial("tcp", address)', "client"),
        ("TcpStream::connect(addr)", "client"),
        ("IO::Socket::INET->new(PeerAddr => 'x')", "client"),
        ("DatagramSocket s = new DatagramSocket(); s.send(packet);", "client"),
        ("print('hello')", None),
    ],
)
def test_a_text_speaks_of_its_role(text: str, role: Role | None) -> None:
    assert role_by_text(text) == role


def test_a_text_speaks_of_its_transport() -> None:
    assert transport_by_text("socket(AF_INET, SOCK_DGRAM, 0)") == "udp"
    assert transport_by_text("new ServerSocket(1)") == "tcp"
    assert transport_by_text("SOCK_DGRAM SOCK_STREAM") is transport_by_text("") is None


BOTH = f"if sys.argv[1] == 'server':\n    {SERVER}elif sys.argv[1] == 'client':\n    {CLIENT}"


def test_one_program_that_is_told_its_role_by_an_argument_is_both() -> None:
    found, lacking = recipes(submission_of({"main.py": BOTH}), ["server", "client"])
    assert lacking == {}
    assert found["server"].run == ("python3", "main.py", "server", "{port}")
    assert found["client"].run == ("python3", "main.py", "client", "{host}", "{port}")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (BOTH, "server"),
        (BOTH.replace("'server'", "'--server'").replace("'client'", "'--client'"), "--server"),
        (
            'if (strcmp(argv[1], "server") == 0) { accept(l); }\nelse if (!strcmp(argv[1], "client")) { connect(s); }',
            "server",
        ),
        (BOTH.replace("'client'", "'talk'"), ""),
        (BOTH.replace("connect", "x"), ""),
        ("names = ['server', 'client']\n" + SERVER + CLIENT, ""),
    ],
)
def test_the_argument_is_the_one_that_the_text_compares(text: str, word: str) -> None:
    assert chosen_by(text, "server") == word


@pytest.mark.parametrize(
    ("line", "started"),
    [
        ("#!/usr/bin/env python3", "python3"),
        ("#!/usr/bin/python3.11 -u", "python3"),
        ("#!/usr/bin/env -S node --trace-warnings", "node"),
        ("#!/usr/bin/perl", "perl"),
        ("#! /usr/bin/env ruby", "ruby"),
        ("#!/bin/bash", "bash"),
    ],
)
def test_a_script_without_a_suffix_is_known_by_its_first_line(line: str, started: str) -> None:
    texts = {"server": f"{line}\n", "client": "#!/bin/sed -f\n", "README": ""}
    assert recipe(submission_of(texts), "server").run == (started, "server", "{port}")
    with pytest.raises(UsageError, match="no client"):
        recipe(submission_of(texts), "client")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("server.ipynb", "'server.ipynb' is a Jupyter notebook"),
        ("Server.class", "'Server.class' is a compiled program"),
        ("server.pyc", "'server.pyc' is a compiled program"),
        ("server.php", "written in PHP"),
        ("Server.swift", "written in Swift"),
    ],
)
def test_what_can_not_be_started_is_named(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        recipe(submission_of({name: "", "client.py": ""}), "server")


def test_a_compiled_program_is_known_by_how_it_begins() -> None:
    with pytest.raises(UsageError, match="'server' is a compiled program"):
        recipe(submission_of({"server": "\x7fELF", "client.py": ""}), "server")


@pytest.mark.parametrize(
    ("name", "text", "run"),
    [
        ("server/main.py", "open('config.json')", ("env", "-C", "server", "python3", "main.py", "{port}")),
        ("a/server/x.js", "require('net'); read('./config.json')", ("env", "-C", "a/server", "node", "x.js", "{port}")),
        ("my-server/main.py", "sys.path.append('../lib')", ("env", "-C", "my-server", "python3", "main.py", "{port}")),
        (
            "server/main.c",
            'int main(void) {\n fopen("config.json", "r");}',
            ("env", "-C", "server", "../server_program", "{port}"),
        ),
        ("server/main.py", "open('server/config.json')", ("python3", "server/main.py", "{port}")),
        ("server/main.py", "print('main.py')", ("python3", "server/main.py", "{port}")),
        ("server/main.py", "print('nothing')", ("python3", "server/main.py", "{port}")),
    ],
)
def test_a_program_is_started_where_its_files_are(name: str, text: str, run: tuple[str, ...]) -> None:
    folder = name.rpartition("/")[0]
    assert recipe(submission_of({name: text, f"{folder}/config.json": "{}", "client.py": ""}), "server").run == run


def test_java_classes_are_found_from_its_own_folder() -> None:
    text = 'class S { public static void main(String[] a) { read("config.txt"); } }'
    run = recipe(submission_of({"server/S.java": text, "server/config.txt": "", "client.py": ""}), "server").run
    assert run[:3] == ("env", "-C", "server")
    assert run[-4:] == ("-cp", "../server-classes", "S", "{port}")


def test_package_json_tells_commands() -> None:
    texts = {"package.json": '{"bin": {"my-server": "./b.js"}}', "a.js": "require('net')", "b.js": "require('net')"}
    assert recipe(submission_of(texts), "server").program == "b.js"


@pytest.mark.parametrize(
    "text",
    [
        "int main(int argc, char **argv) /* start */\n{",
        "int main(void) // start\n// here\n{",
        "auto main() -> int {",
        "int\nmain(argc)\n{",
    ],
)
def test_main_is_found_with_comments_behind_it(text: str) -> None:
    assert MAIN_IN_C.search(text)


@pytest.mark.parametrize("text", ["main(\n", "main()/*\n", "main() //\n", "int main()\n", "x y z main( "])
def test_hostile_sources_take_no_time(text: str) -> None:
    began = time.process_time()
    MAIN_IN_C.search(text * (1_000_000 // len(text)))
    role_by_text(text * (1_000_000 // len(text)))
    assert time.process_time() - began < 10  # unbounded, it takes minutes


def test_only_libraries_that_were_handed_in_are_on_the_class_path() -> None:
    jars = {
        "gradle/wrapper/gradle-wrapper.jar": "PK",
        "lib/gson.jar": "PK",
        "lib/lost.jar": "version https://git-lfs\n",
    }
    made = recipe(submission_of({"Server.java": "public static void main(", **jars}), "server")
    assert made.run[made.run.index("-cp") + 1] == "server-classes:lib/gson.jar"


def test_one_program_that_starts_either_module_is_told_which() -> None:
    texts = {
        "main.py": "import sys, server, client\nif sys.argv[1] == 'server':\n    server.run()\n"
        "elif sys.argv[1] == 'client':\n    client.run()\n",
        "server.py": "def run():\n    s.bind(('', 1)); s.listen(); c, _ = s.accept()\n",
        "client.py": "def run():\n    s.connect((host, port))\n",
    }
    made, lacking = recipes(submission_of(texts), ["server", "client"], {}, "tcp")
    assert [one.run[1:3] for one in made.values()] == [("main.py", "server"), ("main.py", "client")]
    assert not lacking
