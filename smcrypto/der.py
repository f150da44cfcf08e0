"""The little DER that SM2 keys, signatures and certificates need; strict in what it reads.

Source: ITU-T X.690.
"""

from __future__ import annotations

from smcrypto.errors import DerError

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
UTF8_STRING = 0x0C
PRINTABLE_STRING = 0x13
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

_MAX_LENGTH_BYTES = 4


def tlv(tag: int, content: bytes) -> bytes:
    """Encode one element: tag, shortest length, content."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """Encode an integer ≥ 0."""
    if value < 0:
        raise DerError("negative integer")
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value: bool) -> bytes:
    """Encode TRUE or FALSE."""
    return tlv(BOOLEAN, b"\xff" if value else b"\x00")


def octet_string(content: bytes) -> bytes:
    """Encode an octet string."""
    return tlv(OCTET_STRING, content)


def bit_string(content: bytes, unused_bits: int = 0) -> bytes:
    """Encode a bit string whose last byte has *unused_bits* padding bits."""
    return tlv(BIT_STRING, bytes((unused_bits,)) + content)


def sequence(*parts: bytes) -> bytes:
    """Encode a sequence of elements that are encoded already."""
    return tlv(SEQUENCE, b"".join(parts))


def set_of(*parts: bytes) -> bytes:
    """Encode a set; DER sorts its members by their bytes."""
    return tlv(SET, b"".join(sorted(parts)))


def context(number: int, content: bytes, *, constructed: bool = True) -> bytes:
    """Encode a context-specific element ``[number]``; *number* below 31."""
    return tlv((0xA0 if constructed else 0x80) | number, content)


def object_identifier(dotted: str) -> bytes:
    """Encode an object identifier such as ``1.2.156.10197.1.501``."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    out = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        out += bytes(reversed(groups))
    return tlv(OBJECT_IDENTIFIER, bytes(out))


def decode_object_identifier(content: bytes) -> str:
    """Read the content of an object identifier back to its dotted form."""
    if not content or content[-1] & 0x80:
        raise DerError("bad object identifier")
    arcs: list[int] = []
    arc, fresh = 0, True
    for byte in content:
        if fresh and byte == 0x80:
            raise DerError("object identifier not in shortest form")
        arc = (arc << 7) | (byte & 0x7F)
        fresh = not byte & 0x80
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))


class Reader:
    """Reads elements one after the other; refuses every form that DER does not allow."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)
        self._position = 0
        self._end = len(self._data)

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._position >= self._end

    def finish(self) -> None:
        """Insist that nothing is left.

        Raises:
            DerError: there is.
        """
        if not self.at_end:
            raise DerError("bytes after the end")

    def peek_tag(self) -> int | None:
        """Tag of the next element, None at the end."""
        return None if self.at_end else self._data[self._position]

    def read_any(self) -> tuple[int, bytes, bytes]:
        """Read the next element whatever it is: its tag, its content and its whole encoding."""
        start = self._position
        if start + 2 > self._end:
            raise DerError("element cut short")
        tag, first = self._data[start], self._data[start + 1]
        if tag & 0x1F == 0x1F:
            raise DerError("tags above 30 are not used here")
        content_at = start + 2
        size = first
        if first & 0x80:
            width = first & 0x7F
            if not 0 < width <= _MAX_LENGTH_BYTES or content_at + width > self._end:
                raise DerError("bad length")
            size = int.from_bytes(self._data[content_at : content_at + width], "big")
            if size < 0x80 or size >> (8 * (width - 1)) == 0:
                raise DerError("length not in shortest form")
            content_at += width
        stop = content_at + size
        if stop > self._end:
            raise DerError("element cut short")
        self._position = stop
        return tag, self._data[content_at:stop], self._data[start:stop]

    def read(self, tag: int) -> bytes:
        """Read the content of the next element, which must have *tag*."""
        found, content, _ = self.read_any()
        if found != tag:
            raise DerError(f"tag {found:#04x} where {tag:#04x} was due")
        return content

    def read_integer(self) -> int:
        """Read an integer ≥ 0 in its shortest form."""
        content = self.read(INTEGER)
        if not content or content[0] & 0x80:
            raise DerError("empty or negative integer")
        if len(content) > 1 and content[0] == 0 and not content[1] & 0x80:
            raise DerError("integer not in shortest form")
        return int.from_bytes(content, "big")

    def read_sequence(self) -> Reader:
        """Open the next element, which must be a sequence."""
        return Reader(self.read(SEQUENCE))

    def read_object_identifier(self) -> str:
        """Read an object identifier in its dotted form."""
        return decode_object_identifier(self.read(OBJECT_IDENTIFIER))

    def read_bit_string(self) -> bytes:
        """Read a bit string of whole bytes."""
        content = self.read(BIT_STRING)
        if not content or content[0] != 0:
            raise DerError("bit string not of whole bytes")
        return content[1:]
