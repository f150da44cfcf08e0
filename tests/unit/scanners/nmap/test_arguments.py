"""The command lines that may reach nmap."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanners.errors import InvalidTarget
from scanners.nmap.arguments import (
    DEFAULT_TCP_PORTS,
    NmapOptions,
    Preset,
    build_argv,
    needs_raw_sockets,
    target_list,
)
from scanners.targets import PortRange, parse_ports

NMAP = "/usr/bin/nmap"
TAIL = "--max-parallelism 16 --max-retries 2 --host-timeout 120s --max-rate 300 --no-stylesheet -oX - -iL -"


@pytest.mark.parametrize(
    ("preset", "head"),
    [
        (Preset.DISCOVERY, "--unprivileged -sn -PS22,80,135,443,445,3389,8080 -n"),
        (Preset.PORTS, f"--unprivileged -sT -Pn -n -p {DEFAULT_TCP_PORTS}"),
        (Preset.SERVICES, f"--unprivileged -sT -sV --version-intensity 5 -Pn -n -p {DEFAULT_TCP_PORTS}"),
        (
            Preset.UDP_SERVICES,
            "--privileged -sU -sV --version-intensity 2 -Pn -n -p"
            " 53,67,69,111,123,137,161,162,177,500,514,623,1194,1434,1701,1900,4500,5353,11211",
        ),
    ],
)
def test_each_preset_has_one_command_line(preset: Preset, head: str) -> None:
    """A preset is equal byte for byte to what was reviewed."""
    argv = build_argv(NMAP, NmapOptions(preset), ipv6=False, datadir=None)

    assert " ".join(argv) == f"{NMAP} {head} {TAIL}"


def test_numbers_and_ports_are_the_only_variable_parts() -> None:
    """Options arrive where they belong, ports as numbers and ranges."""
    options = NmapOptions(Preset.PORTS, parse_ports("22,8000-8100,443"), 30, 50, 1)
    argv = build_argv(NMAP, options, ipv6=True, datadir="/usr/share/nmap")

    assert " ".join(argv) == (
        f"{NMAP} --unprivileged -sT -Pn -6 -n -p 22,443,8000-8100 --max-parallelism 16 --max-retries 1"
        " --host-timeout 30s --max-rate 50 --datadir /usr/share/nmap --no-stylesheet -oX - -iL -"
    )


def test_only_one_preset_needs_rights() -> None:
    """Everything but UDP runs as an ordinary user."""
    assert [preset for preset in Preset if needs_raw_sockets(preset)] == [Preset.UDP_SERVICES]


@pytest.mark.parametrize(
    "options",
    [
        {"host_timeout_s": 0},
        {"host_timeout_s": 3601},
        {"host_timeout_s": "30 -oN /tmp/x"},
        {"host_timeout_s": 1.5},
        {"max_rate": 0},
        {"max_rate": True},
        {"max_retries": 6},
        {"preset": "services"},
        {"ports": ("22 --script=evil",)},
        {"ports": (22,)},
    ],
)
def test_anything_but_numbers_and_presets_is_refused(options: dict[str, object]) -> None:
    """Texts, wrong types and numbers out of range never become options."""
    with pytest.raises(ValueError, match="must be"):
        NmapOptions(**options)  # type: ignore[arg-type]


def test_targets_are_one_address_a_line() -> None:
    """Addresses are spelled by the address type itself."""
    assert target_list([IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")]) == b"192.0.2.1\n192.0.2.2\n"
    assert target_list([IPv6Address("2001:db8::1")]) == b"2001:db8::1\n"


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        [ip_address("192.0.2.1"), ip_address("2001:db8::1")],
        [ip_address("fe80::1%-oN")],
        [IPv4Address(n) for n in range(4097)],
    ],
)
def test_lists_that_nmap_would_misread_are_refused(addresses: list[IPv4Address]) -> None:
    """Empty, mixed, zoned and over-long lists stay outside."""
    with pytest.raises(InvalidTarget):
        target_list(addresses)


@given(
    st.sampled_from(Preset),
    st.lists(st.integers(1, 65535), max_size=20),
    st.integers(1, 3600),
    st.integers(1, 10_000),
    st.booleans(),
)
def test_no_combination_gives_an_option_outside_the_list(
    preset: Preset, ports: list[int], timeout: int, rate: int, ipv6: bool
) -> None:
    """Every word that begins with a dash is one of those that were reviewed."""
    options = NmapOptions(preset, tuple(PortRange(p, p) for p in ports), timeout, rate)
    argv = build_argv(NMAP, options, ipv6=ipv6, datadir="/usr/share/nmap")
    allowed = {
        *(
            "--unprivileged",
            "--privileged",
            "-sn",
            "-PS22,80,135,443,445,3389,8080",
            "-sT",
            "-sU",
            "-sV",
            "-Pn",
            "-6",
        ),
        *(
            "--version-intensity",
            "-n",
            "-p",
            "--top-ports",
            "--max-parallelism",
            "--max-retries",
            "--host-timeout",
        ),
        *("--max-rate", "--datadir", "--no-stylesheet", "-oX", "-", "-iL"),
    }

    assert {word for word in argv if word.startswith("-")} <= allowed
    assert all(word.isascii() and " " not in word for word in argv)
