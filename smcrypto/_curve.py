"""Arithmetic on the SM2 curve, borrowed from gmssl; the only import of it outside the self-test.

Of gmssl only three functions are used: multiply, double and add. Its signing, encryption and key handling are not,
because each has a fault: predictable nonces, leading digits stripped from keys, C3 never compared, no range checks.
It is also not constant time. A secret scalar is therefore never multiplied as such: it is split into two random
summands, so that the time taken tells nothing about it.

Points are strings of 128 hexadecimal digits, x then y, as gmssl has them. The point at infinity is None.

Source: GB/T 32918.1-2016; parameters of GB/T 32918.5-2017, clause 2.
"""

from __future__ import annotations

import secrets

from gmssl.sm2 import CryptSM2

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0
SIZE = 32
"""Bytes of a coordinate and of a scalar."""

BASE = f"{GX:064x}{GY:064x}"
_ENGINE = CryptSM2(private_key="", public_key="", mode=1)


def is_on_curve(x: int, y: int) -> bool:
    """Whether (x, y) is a point of the curve other than infinity; the cofactor is 1, so its order is n."""
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x * x + A * x + B)) % P == 0


def to_text(x: int, y: int) -> str:
    """Write a point the way gmssl reads it."""
    return f"{x:064x}{y:064x}"


def to_numbers(point: str) -> tuple[int, int]:
    """Read a point the way gmssl writes it."""
    return int(point[:64], 16), int(point[64:128], 16)


def multiply(scalar: int, point: str) -> str:
    """Multiply a point by a scalar that is not secret.

    gmssl answers the point itself for scalar 0 and drops bits above 256, so the range is enforced here.
    """
    if not 0 < scalar < N:
        raise ValueError("scalar outside 1 … n − 1")
    product: str | None = _ENGINE._kg(scalar, point)
    if product is None:
        raise ArithmeticError("multiple of a point of order n is at infinity")
    return product


def add(left: str, right: str) -> str | None:
    """Add two points; None is infinity."""
    if left[:64] == right[:64]:
        if left != right:
            return None
        total: str | None = _ENGINE._convert_jacb_to_nor(_ENGINE._double_point(left + "1"))
        return total
    total = _ENGINE._convert_jacb_to_nor(_ENGINE._add_point(left + "1", right))
    return total


def multiply_secret(scalar: int, point: str) -> str:
    """Multiply a point by a secret scalar, as the sum of two multiples whose scalars are random."""
    if not 0 < scalar < N:
        raise ValueError("scalar outside 1 … n − 1")
    while True:
        first = random_scalar(N - 1)
        second = (scalar - first) % N
        if second not in (0, first):
            break
    total = add(multiply(first, point), multiply(second, point))
    if total is None:
        raise ArithmeticError("multiple of a point of order n is at infinity")
    return total


def random_scalar(highest: int) -> int:
    """Draw from 1 … *highest*, evenly, from the operating system's generator."""
    return secrets.randbelow(highest) + 1
