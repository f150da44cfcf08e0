"""Judging of SSH algorithm names."""

from __future__ import annotations

import pytest

from scanners.sshkex.algorithms import is_national, national_first, notes_on, terrapin_exposed
from scanners.sshkex.result import AlgorithmKind, Concern


@pytest.mark.parametrize(
    ("kind", "name", "concern", "why"),
    [
        (AlgorithmKind.KEX, "diffie-hellman-group1-sha1", Concern.BROKEN, "1024-bit"),
        (AlgorithmKind.KEX, "diffie-hellman-group-exchange-sha1", Concern.WEAK, "sha1"),
        (AlgorithmKind.KEX, "sm2-sm3", Concern.NATIONAL, "sm2"),
        (AlgorithmKind.HOST_KEY, "ssh-dss", Concern.BROKEN, "dsa-1024"),
        (AlgorithmKind.HOST_KEY, "ssh-rsa", Concern.WEAK, "sha1"),
        (AlgorithmKind.HOST_KEY, "ssh-rsa-cert-v01@openssh.com", Concern.WEAK, "sha1"),
        (AlgorithmKind.HOST_KEY, "sm2", Concern.NATIONAL, "sm2"),
        (AlgorithmKind.CIPHER, "none", Concern.BROKEN, "none"),
        (AlgorithmKind.CIPHER, "arcfour256", Concern.BROKEN, "rc4"),
        (AlgorithmKind.CIPHER, "3des-cbc", Concern.WEAK, "64-bit-block"),
        (AlgorithmKind.CIPHER, "rijndael-cbc@lysator.liu.se", Concern.WEAK, "cbc"),
        (AlgorithmKind.CIPHER, "sm4-ctr", Concern.NATIONAL, "sm4"),
        (AlgorithmKind.CIPHER, "sm4-cbc", Concern.WEAK, "cbc"),
        (AlgorithmKind.MAC, "hmac-md5-96", Concern.BROKEN, "md5"),
        (AlgorithmKind.MAC, "hmac-sha1-etm@openssh.com", Concern.WEAK, "sha1"),
        (AlgorithmKind.MAC, "umac-64@openssh.com", Concern.WEAK, "64-bit-tag"),
        (AlgorithmKind.MAC, "hmac-sm3", Concern.NATIONAL, "sm3"),
    ],
)
def test_remarkable_names_get_their_note(kind: AlgorithmKind, name: str, concern: Concern, why: str) -> None:
    """Broken, weak and national names are told apart, with the reason."""
    (note,) = notes_on({kind: [name]})

    assert (note.kind, note.name, note.concern, note.why) == (kind, name, concern, why)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (AlgorithmKind.KEX, "curve25519-sha256"),
        (AlgorithmKind.KEX, "diffie-hellman-group14-sha256"),
        (AlgorithmKind.KEX, "mlkem768x25519-sha256"),
        (AlgorithmKind.KEX, "kex-strict-s-v00@openssh.com"),
        (AlgorithmKind.KEX, "ext-info-s"),
        (AlgorithmKind.HOST_KEY, "rsa-sha2-512"),
        (AlgorithmKind.HOST_KEY, "ssh-ed25519"),
        (AlgorithmKind.CIPHER, "aes256-gcm@openssh.com"),
        (AlgorithmKind.CIPHER, "chacha20-poly1305@openssh.com"),
        (AlgorithmKind.MAC, "hmac-sha2-256-etm@openssh.com"),
        (AlgorithmKind.MAC, "umac-128@openssh.com"),
    ],
)
def test_sound_names_get_no_note(kind: AlgorithmKind, name: str) -> None:
    """A name that is in good use today is not remarked on."""
    assert notes_on({kind: [name]}) == ()


def test_a_name_offered_in_both_directions_is_noted_once() -> None:
    """Lists of both directions are judged together without repetition."""
    notes = notes_on({AlgorithmKind.CIPHER: ["3des-cbc", "aes128-ctr", "3des-cbc"]})

    assert [note.name for note in notes] == ["3des-cbc"]


@pytest.mark.parametrize("name", ["sm20-x", "prism4", "aes-sm", "asm3-ctr"])
def test_a_likeness_is_not_a_national_algorithm(name: str) -> None:
    """Letters that only look like SM2, SM3 or SM4 inside a word do not count."""
    assert not is_national(name)


def test_the_head_of_a_list_decides_what_comes_first() -> None:
    """Pseudo-names at the head are passed over, and an empty list has no head."""
    first = national_first(
        {
            AlgorithmKind.KEX: ["ext-info-s", "sm2-sm3", "curve25519-sha256"],
            AlgorithmKind.CIPHER: ["aes128-ctr", "sm4-ctr"],
            AlgorithmKind.MAC: [],
        }
    )

    assert first == (AlgorithmKind.KEX,)


@pytest.mark.parametrize(
    ("kex", "ciphers", "macs", "exposed"),
    [
        (["a"], ["chacha20-poly1305@openssh.com"], [], True),
        (["a"], ["aes128-cbc"], ["hmac-sha2-256-etm@openssh.com"], True),
        (["a"], ["aes128-cbc"], ["hmac-sha2-256"], False),
        (["a"], ["aes128-gcm@openssh.com"], ["hmac-sha2-256-etm@openssh.com"], False),
        (["a", "kex-strict-s-v00@openssh.com"], ["chacha20-poly1305@openssh.com"], [], False),
    ],
)
def test_prefix_truncation_needs_a_cipher_and_no_strict_exchange(
    kex: list[str], ciphers: list[str], macs: list[str], exposed: bool
) -> None:
    """CVE-2023-48795 is told from the offered lists alone."""
    assert terrapin_exposed(kex, ciphers, macs) is exposed
