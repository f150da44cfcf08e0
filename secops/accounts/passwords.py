"""Password rules of the profile ``mlps3``, hashing, and one-time passwords.

Source: GB/T 22239-2019, 8.1.4.1 a; sections 5.2-5.4 of the self-assessment list in the docs.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from functools import lru_cache

from werkzeug.security import check_password_hash, generate_password_hash

from secops.errors import BadInput
from smcrypto.keys import KeyProvider, Purpose

MIN_LENGTH = 12
MAX_LENGTH = 128
ITERATIONS = 600_000
HISTORY = 5
"""Passwords that can't come back: the present one and those before it."""
_PREFIX = "mlps3$"

# Letters and digits that nobody mixes up when reading them aloud.
_EASY = "".join(sorted(set(string.ascii_letters + string.digits) - set("lIO01o")))
_MARKS = "-_+=@%"
_COMMON = frozenset(
    {
        "password",
        "admin",
        "secops",
        "qwerty",
        "123456",
        "letmein",
        "welcome",
        "dengbao",
        "p@ssw0rd",
        "passw0rd",
    }
)


def hash_method() -> str:
    """SM3 where this machine's OpenSSL has it, else SHA-256; the method is part of each stored hash."""
    digest = "sm3" if "sm3" in hashlib.algorithms_available else "sha256"
    return f"pbkdf2:{digest}:{ITERATIONS}"


def hash_password(password: str, keys: KeyProvider) -> str:
    """Hash under a pepper: a key that lies outside the database, so that a stolen database checks no guess.

    The id of the key is part of the hash; a new main key leaves old hashes valid.
    """
    kid = keys.current_kid
    return f"{_PREFIX}{kid}${generate_password_hash(_peppered(password, keys, kid), method=hash_method())}"


def check_password(stored: str, password: str, keys: KeyProvider) -> bool:
    """Check a password; hashes from before the pepper still count, see :func:`is_outdated`."""
    if not stored.startswith(_PREFIX):
        return check_password_hash(stored, password)
    kid, _, plain = stored.removeprefix(_PREFIX).partition("$")
    return check_password_hash(plain, _peppered(password, keys, kid))


def is_outdated(stored: str) -> bool:
    """Whether the hash has no pepper; it is made anew at the next log-in."""
    return not stored.startswith(_PREFIX)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return generate_password_hash("nobody has this password", method=hash_method())


def check_nobody(password: str) -> bool:
    """Take as long as a check takes, and say no: an unknown name must not answer faster than a known one."""
    check_password_hash(_nobodys_hash(), password)
    return False


def _peppered(password: str, keys: KeyProvider, kid: str) -> str:
    return keys.mac(Purpose.PASSWORD_PEPPER, password.encode(), kid=kid).hex()


def one_time_password(length: int = 16) -> str:
    """A random password that meets the rules and can be read aloud."""
    while True:
        picked = "".join(secrets.choice(_EASY + _MARKS) for _ in range(length))
        if _classes(picked) >= 4:
            return picked


def _classes(password: str) -> int:
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    return sum(any(kind(c) for c in password) for kind in kinds)


def require_acceptable(password: str, username: str) -> None:
    """Raise :class:`BadInput` with the first rule that *password* breaks.

    Twelve characters or more, three of four kinds, at most 128, not the user's name, no common word at its core.
    """
    if len(password) < MIN_LENGTH:
        raise BadInput(
            f"密码至少 {MIN_LENGTH} 位。", f"A password has at least {MIN_LENGTH} characters.", "new_password"
        )
    if len(password) > MAX_LENGTH:
        raise BadInput(
            f"密码最长 {MAX_LENGTH} 位。", f"A password has at most {MAX_LENGTH} characters.", "new_password"
        )
    if _classes(password) < 3:
        raise BadInput(
            "密码须包含大写字母、小写字母、数字、符号中的至少三类。",
            "A password mixes at least three of: capitals, small letters, digits, other marks.",
            "new_password",
        )
    lowered = password.lower()
    if username.lower() in lowered or any(word in lowered for word in _COMMON):
        raise BadInput(
            "密码不能包含用户名或常见口令。",
            "A password contains neither the user name nor a common word.",
            "new_password",
        )
