"""A TLCP server made of Tongsuo's own C functions, run as a child process of a test.

Usage: ``python -m tests.support.peers.tongsuo_server FOLDER MODE CIPHERS``; prints the port, then serves one
connection after the other. FOLDER holds sign.pem, sign.key, enc.pem, enc.key, ca.pem and for mode ``dual``
rsa.pem and rsa.key. Only for tests: the library inside is old and never part of the product.
"""

from __future__ import annotations

import ctypes
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

_PEM = 1


def _load() -> ctypes.CDLL:
    spec = find_spec("tongsuopy")
    assert spec is not None
    assert spec.submodule_search_locations
    (library,) = (Path(spec.submodule_search_locations[0]) / "backends").glob("_tongsuo*.so")
    return ctypes.CDLL(str(library))


def _function(library: ctypes.CDLL, name: str, result: object, *arguments: object) -> object:
    function = getattr(library, name)
    function.restype, function.argtypes = result, list(arguments)
    return function


def main(folder: Path, mode: str, ciphers: str) -> None:
    """Serve until the process is killed."""
    library = _load()
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    method = _function(library, "NTLS_server_method" if mode == "tlcp" else "TLS_server_method", pointer)
    context = _function(library, "SSL_CTX_new", pointer, pointer)(method())  # type: ignore[operator]
    assert context
    _function(library, "SSL_CTX_enable_ntls", None, pointer)(context)  # type: ignore[operator]

    def use(function: str, file: str) -> None:
        path = str(folder / file).encode()
        done = _function(library, function, number, pointer, text, number)(context, path, _PEM)  # type: ignore[operator]
        assert done == 1, (function, file)

    use("SSL_CTX_use_sign_certificate_file", "sign.pem")
    use("SSL_CTX_use_sign_PrivateKey_file", "sign.key")
    use("SSL_CTX_use_enc_certificate_file", "enc.pem")
    use("SSL_CTX_use_enc_PrivateKey_file", "enc.key")
    if mode == "dual":
        use("SSL_CTX_use_certificate_file", "rsa.pem")
        use("SSL_CTX_use_PrivateKey_file", "rsa.key")
    locations = _function(library, "SSL_CTX_load_verify_locations", number, pointer, text, text)
    assert locations(context, str(folder / "ca.pem").encode(), None) == 1  # type: ignore[operator]
    if ciphers:
        listed = _function(library, "SSL_CTX_set_cipher_list", number, pointer, text)
        assert listed(context, ciphers.encode()) == 1  # type: ignore[operator]
    new = _function(library, "SSL_new", pointer, pointer)
    set_fd = _function(library, "SSL_set_fd", number, pointer, number)
    accept = _function(library, "SSL_accept", number, pointer)
    free = _function(library, "SSL_free", None, pointer)

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(None)
            session = new(context)  # type: ignore[operator]
            set_fd(session, connection.fileno())  # type: ignore[operator]
            accept(session)  # type: ignore[operator]
            free(session)  # type: ignore[operator]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
