"""Key providers."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from smcrypto import keys as keys_module
from smcrypto import sm2, sm2_files
from smcrypto.errors import (
    DamagedContainer,
    DecryptionFailed,
    DerError,
    InvalidKey,
    InvalidParameter,
    KeyExists,
    KeyFileUnsafe,
    KeyMissing,
    UnsupportedContainer,
)
from smcrypto.keys import (
    CredentialKeyProvider,
    FileKeyProvider,
    KeyKind,
    KeyProvider,
    Purpose,
    Signer,
    Wrapped,
)

SECRET = b"data key of file"


def test_created_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    """Folder 0700, secrets 0400, public halves readable; nothing else is left in the folder."""
    folder = tmp_path / "deep" / "keys"

    FileKeyProvider.create(folder, signers=[Signer.RECEIPT])

    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "kek-1.key": 0o400,
        "sign-receipt-1.key": 0o400,
        "sign-receipt-1.pub": 0o444,
    }


def test_wrapped_secrets_come_back(provider: FileKeyProvider, key_folder: Path) -> None:
    """What one process wrapped another unwraps; twice the same secret looks different."""
    first = provider.wrap(Purpose.EVIDENCE_WRAP, SECRET, aad=b"header")
    second = provider.wrap(Purpose.EVIDENCE_WRAP, SECRET, aad=b"header")

    assert FileKeyProvider(key_folder).unwrap(Purpose.EVIDENCE_WRAP, first, aad=b"header") == SECRET
    assert first.kid == second.kid == provider.current_kid
    assert first.blob != second.blob
    assert SECRET not in first.blob


def test_wrapping_is_bound_to_purpose_data_and_key(own_provider: FileKeyProvider) -> None:
    """Another purpose, other associated data, another key id or a changed bit: refused."""
    wrapped = own_provider.wrap(Purpose.EVIDENCE_WRAP, SECRET, aad=b"header")
    own_provider.rotate_main_key()
    flipped = bytes((wrapped.blob[0] ^ 1,)) + wrapped.blob[1:]

    for purpose, candidate, aad in [
        (Purpose.FIELD_ENC, wrapped, b"header"),
        (Purpose.EVIDENCE_WRAP, wrapped, b"other"),
        (Purpose.EVIDENCE_WRAP, Wrapped(own_provider.current_kid, wrapped.blob), b"header"),
        (Purpose.EVIDENCE_WRAP, Wrapped(wrapped.kid, flipped), b"header"),
        (Purpose.EVIDENCE_WRAP, Wrapped(wrapped.kid, wrapped.blob[:20]), b"header"),
        (Purpose.EVIDENCE_WRAP, Wrapped(wrapped.kid, b""), b"header"),
    ]:
        with pytest.raises(DecryptionFailed):
            own_provider.unwrap(purpose, candidate, aad=aad)


def test_purposes_have_keys_of_their_own(provider: FileKeyProvider) -> None:
    """The same data has another MAC under each purpose."""
    macs = {provider.mac(purpose, b"data") for purpose in Purpose}

    assert len(macs) == len(Purpose)
    assert all(len(mac) == 32 for mac in macs)


def test_purpose_labels_are_frozen() -> None:
    """The labels never change: what was wrapped under one would be lost."""
    assert {purpose.value for purpose in Purpose} == {
        "evidence-wrap",
        "backup-wrap",
        "field-enc",
        "totp-seed",
        "audit-mac",
        "session",
        "blind-index",
        "password-pepper",
    }


def test_rotation_keeps_the_old_key_for_opening(own_provider: FileKeyProvider) -> None:
    """After a rotation new work uses the new key, old work still opens, old MACs can still be made."""
    wrapped = own_provider.wrap(Purpose.TOTP_SEED, SECRET, aad=b"")
    mac = own_provider.mac(Purpose.AUDIT_MAC, b"row")

    kid = own_provider.rotate_main_key()

    assert own_provider.current_kid == kid != wrapped.kid
    assert own_provider.unwrap(Purpose.TOTP_SEED, wrapped, aad=b"") == SECRET
    assert own_provider.mac(Purpose.AUDIT_MAC, b"row", kid=wrapped.kid) == mac
    assert own_provider.mac(Purpose.AUDIT_MAC, b"row") != mac
    assert [info.version for info in own_provider.key_info() if info.kind is KeyKind.MAIN] == [1, 2]


def test_running_processes_see_a_rotation(own_folder: Path) -> None:
    """A provider that was opened before wraps with the new key, and forgets a destroyed one, without a restart."""
    old, other = FileKeyProvider(own_folder), FileKeyProvider(own_folder)
    first = old.current_kid
    wrapped = old.wrap(Purpose.EVIDENCE_WRAP, SECRET, aad=b"")

    kid = other.rotate_main_key()
    fresh = old.wrap(Purpose.EVIDENCE_WRAP, SECRET, aad=b"")
    other.destroy_main_key(first)

    assert fresh.kid == old.current_kid == kid
    assert old.key_info()[0].kid == kid
    with pytest.raises(KeyMissing):
        old.unwrap(Purpose.EVIDENCE_WRAP, wrapped, aad=b"")


def test_destroyed_keys_are_refused_and_gone(own_folder: Path) -> None:
    """An old key can be destroyed, the current one cannot; the file does not stay."""
    provider = FileKeyProvider(own_folder)
    first = provider.current_kid
    provider.rotate_main_key()

    provider.destroy_main_key(first)

    assert not (own_folder / "kek-1.key").exists()
    assert not [path for path in own_folder.iterdir() if path.name.startswith(".")]
    with pytest.raises(KeyMissing):
        provider.mac(Purpose.AUDIT_MAC, b"row", kid=first)
    with pytest.raises(KeyMissing):
        provider.destroy_main_key(first)
    with pytest.raises(InvalidParameter):
        provider.destroy_main_key(provider.current_kid)


def test_signatures_verify_with_the_public_key(provider: FileKeyProvider) -> None:
    """Each signer signs with a key of its own."""
    signature = provider.sign(Signer.RECEIPT, b"receipt")

    assert sm2.verify(provider.public_key(Signer.RECEIPT), b"receipt", signature)
    assert not sm2.verify(provider.public_key(Signer.REPORT), b"receipt", signature)


def test_old_signatures_verify_after_rotation(own_folder: Path) -> None:
    """A new signing key leaves the public half of the old one, and nothing to sign with."""
    provider = FileKeyProvider(own_folder)
    signature = provider.sign(Signer.REPORT, b"report")

    fresh = provider.rotate_signing_key(Signer.REPORT)

    assert fresh == provider.public_key(Signer.REPORT) != provider.public_key(Signer.REPORT, version=1)
    assert sm2.verify(provider.public_key(Signer.REPORT, version=1), b"report", signature)
    assert sm2.verify(fresh, b"report", provider.sign(Signer.REPORT, b"report"))
    infos = [info for info in provider.key_info() if info.name == "report"]
    assert [(info.version, info.can_sign, info.is_current) for info in infos] == [
        (1, False, False),
        (2, True, True),
    ]
    assert not (own_folder / "sign-report-1.key").exists()


def test_signer_without_a_key_is_named(tmp_path: Path) -> None:
    """A folder made for one signer only says so when asked for another."""
    provider = FileKeyProvider.create(tmp_path / "keys", signers=[Signer.CHECKPOINT])

    with pytest.raises(KeyMissing, match="sign-receipt"):
        provider.sign(Signer.RECEIPT, b"receipt")
    with pytest.raises(KeyMissing, match="sign-checkpoint-9"):
        provider.public_key(Signer.CHECKPOINT, version=9)


def test_creation_never_overwrites(own_folder: Path) -> None:
    """Creating over existing keys is refused and changes nothing."""
    before = (own_folder / "kek-1.key").read_bytes()

    with pytest.raises(KeyExists):
        FileKeyProvider.create(own_folder)

    assert (own_folder / "kek-1.key").read_bytes() == before


def test_creation_that_was_cut_off_can_be_repeated(own_folder: Path) -> None:
    """Without a main key nothing was ever done with the folder, so its halves of keys are made anew."""
    (own_folder / "kek-1.key").unlink()
    (own_folder / "sign-receipt-1.key").unlink()

    provider = FileKeyProvider.create(own_folder)

    assert sm2.verify(
        provider.public_key(Signer.RECEIPT), b"receipt", provider.sign(Signer.RECEIPT, b"receipt")
    )


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o620, 0o602, 0o500])
def test_files_open_to_others_are_refused(own_folder: Path, mode: int) -> None:
    """A key that somebody else can read, write or run is not used."""
    (own_folder / "kek-1.key").chmod(mode)

    with pytest.raises(KeyFileUnsafe, match="mode"):
        FileKeyProvider(own_folder)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o770, 0o777])
def test_folders_open_to_others_are_refused(own_folder: Path, mode: int) -> None:
    """A folder that somebody else can enter is not used."""
    own_folder.chmod(mode)

    with pytest.raises(KeyFileUnsafe, match="mode"):
        FileKeyProvider(own_folder)


def test_owner_writable_files_are_accepted(own_folder: Path) -> None:
    """0600 is as private as 0400."""
    (own_folder / "kek-1.key").chmod(0o600)

    assert FileKeyProvider(own_folder).current_kid


def test_links_are_not_followed(own_folder: Path, tmp_path: Path) -> None:
    """A link in place of a key is refused, wherever it leads."""
    moved = tmp_path / "moved"
    (own_folder / "kek-1.key").rename(moved)
    (own_folder / "kek-1.key").symlink_to(moved)

    with pytest.raises(KeyFileUnsafe):
        FileKeyProvider(own_folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_files_of_other_users_are_refused(own_folder: Path) -> None:
    """A key that another user could change at any time is not used."""
    os.chown(own_folder / "kek-1.key", 65534, 65534)

    with pytest.raises(KeyFileUnsafe, match="another user"):
        FileKeyProvider(own_folder)


@pytest.mark.parametrize(("name", "content"), [("kek-1.key", b"short"), ("sign-receipt-1.key", b"no key")])
def test_files_that_hold_no_key_are_named(own_folder: Path, name: str, content: bytes) -> None:
    """The error names the file, and never its content."""
    path = own_folder / name
    path.chmod(0o600)
    path.write_bytes(content)

    with pytest.raises(KeyFileUnsafe, match=name) as caught:
        FileKeyProvider(own_folder)

    assert content.decode() not in str(caught.value)


def test_halves_that_do_not_belong_together_are_refused(own_folder: Path) -> None:
    """A public file that was exchanged is found at the start."""
    path = own_folder / "sign-receipt-1.pub"
    path.chmod(0o600)
    path.write_bytes(sm2_files.encode_public_key_pem(sm2.generate_key().public))

    with pytest.raises(KeyFileUnsafe, match="together"):
        FileKeyProvider(own_folder)


def test_missing_folder_is_named(tmp_path: Path) -> None:
    """Opening makes nothing: a missing folder is an error."""
    with pytest.raises(KeyFileUnsafe):
        FileKeyProvider(tmp_path / "none")

    assert not (tmp_path / "none").exists()


def test_empty_folder_has_no_current_key(tmp_path: Path) -> None:
    """A folder without keys opens, and says what is missing when it is used."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)

    with pytest.raises(KeyMissing, match="kek"):
        FileKeyProvider(folder).wrap(Purpose.SESSION, SECRET, aad=b"")


def test_keys_do_not_show_themselves(own_folder: Path) -> None:
    """No text made from a provider holds key bytes, and it cannot be pickled."""
    provider = FileKeyProvider(own_folder)
    provider.mac(Purpose.AUDIT_MAC, b"row")
    main = (own_folder / "kek-1.key").read_bytes()
    signing = sm2_files.parse_private_key((own_folder / "sign-receipt-1.key").read_bytes()).secret_bytes()
    derived = [key for held in provider._main.values() for key in held._derived.values()]

    shown = f"{provider!r}{provider}{vars(provider)!r}{provider.key_info()!r}"

    assert len(derived) == 1
    for secret in (main, signing, *derived):
        assert secret.hex() not in shown.lower()
        assert repr(secret)[2:-1] not in shown
    with pytest.raises(TypeError):
        pickle.dumps(provider)
    with pytest.raises(TypeError):
        pickle.dumps(next(iter(provider._main.values())))


def test_software_says_that_it_is_not_certified(provider: FileKeyProvider) -> None:
    """Both languages say that K cannot be met."""
    assert provider.certified is False
    assert "密评" in provider.notice.zh
    assert "not" in provider.notice.en


def test_secrets_have_a_limit(provider: FileKeyProvider) -> None:
    """Wrapping is for keys, seeds and fields, not for files."""
    assert provider.wrap(Purpose.FIELD_ENC, bytes(64 * 1024), aad=b"").blob
    with pytest.raises(InvalidParameter):
        provider.wrap(Purpose.FIELD_ENC, bytes(64 * 1024 + 1), aad=b"")


def test_random_bytes_differ(provider: FileKeyProvider) -> None:
    """Two draws are not the same."""
    assert len(provider.random(16)) == 16
    assert provider.random(16) != provider.random(16)


def _as_credentials(source: Path, target: Path) -> Path:
    """Lay keys out the way systemd does."""
    target.mkdir(mode=0o700)
    for path in source.iterdir():
        copied = target / f"secops.{path.name}"
        copied.write_bytes(path.read_bytes())
        copied.chmod(0o440)
    target.chmod(0o550 & ~0o050 | 0o500)
    return target


def test_credentials_hold_the_same_keys(key_folder: Path, tmp_path: Path, provider: FileKeyProvider) -> None:
    """Keys handed over by systemd open what was wrapped with the files they came from."""
    folder = _as_credentials(key_folder, tmp_path / "credentials")
    (folder / "other.service.key").write_bytes(b"not ours")

    credentials: KeyProvider = CredentialKeyProvider(folder)

    wrapped = provider.wrap(Purpose.EVIDENCE_WRAP, SECRET, aad=b"header")
    assert credentials.unwrap(Purpose.EVIDENCE_WRAP, wrapped, aad=b"header") == SECRET
    assert credentials.public_key(Signer.RECEIPT) == provider.public_key(Signer.RECEIPT)
    assert credentials.certified is False


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o540])
def test_credentials_open_to_others_are_refused(key_folder: Path, tmp_path: Path, mode: int) -> None:
    """Group-read is systemd's access list; anything wider is refused."""
    folder = _as_credentials(key_folder, tmp_path / "credentials")
    (folder / "secops.kek-1.key").chmod(mode)

    with pytest.raises(KeyFileUnsafe):
        CredentialKeyProvider(folder)


@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_refused(own_folder: Path, kind: str) -> None:
    """A pipe does not hang the start, a folder is no key."""
    path = own_folder / "kek-1.key"
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path, 0o400)
    else:
        path.mkdir(mode=0o400)

    with pytest.raises(KeyFileUnsafe):
        FileKeyProvider(own_folder)


def test_a_file_that_vanishes_while_loading_is_read_again(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rotation in another process at the moment of loading does not fail the load; endless change does."""
    real, tries = keys_module.read_guarded, iter(range(100))

    def vanishing(path: Path, forbidden: int) -> bytes:
        if next(tries) < limit:
            raise FileNotFoundError(path)
        return real(path, forbidden)

    monkeypatch.setattr(keys_module, "read_guarded", vanishing)
    limit = 2
    assert FileKeyProvider(own_folder).current_kid
    limit = 100
    with pytest.raises(KeyFileUnsafe, match="come and go"):
        FileKeyProvider(own_folder)


def test_folder_that_goes_away_is_an_error_not_a_fallback(own_folder: Path) -> None:
    """When the key folder is gone new work stops with a clear message."""
    provider = FileKeyProvider(own_folder)
    own_folder.rename(own_folder.with_name("elsewhere"))

    with pytest.raises(KeyFileUnsafe, match="cannot be read"):
        provider.wrap(Purpose.FIELD_ENC, SECRET, aad=b"")


def test_public_half_alone_cannot_sign(own_folder: Path) -> None:
    """A signer of which only the public key is here can be checked against, not used."""
    (own_folder / "sign-receipt-1.key").unlink()

    provider = FileKeyProvider(own_folder)

    assert provider.public_key(Signer.RECEIPT)
    with pytest.raises(KeyMissing, match="sign-receipt-1"):
        provider.sign(Signer.RECEIPT, b"receipt")


def test_errors_survive_pickling() -> None:
    """Errors keep their facts on the way through a task queue."""
    errors = [
        KeyMissing("kek"),
        KeyExists("kek-1.key"),
        KeyFileUnsafe("/keys/kek-1.key", "not a regular file"),
        DecryptionFailed(),
        DamagedContainer("chunk", 3),
        DamagedContainer("header"),
        UnsupportedContainer("version 2"),
        InvalidKey("off the curve"),
        DerError("cut short"),
        InvalidParameter("too long"),
    ]

    for error in errors:
        copied = pickle.loads(pickle.dumps(error))
        assert (type(copied), str(copied), vars(copied)) == (type(error), str(error), vars(error))
        assert str(error)


def test_rotation_never_overwrites(own_folder: Path) -> None:
    """When another process made the next version at the same moment, it is not replaced."""
    provider = FileKeyProvider(own_folder)
    provider._refresh = lambda: None  # type: ignore[method-assign]
    FileKeyProvider(own_folder).rotate_main_key()
    made = (own_folder / "kek-2.key").read_bytes()

    with pytest.raises(KeyExists, match="kek-2"):
        provider.rotate_main_key()

    assert (own_folder / "kek-2.key").read_bytes() == made
    assert not [path for path in own_folder.iterdir() if path.name.startswith(".")]
