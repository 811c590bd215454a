# SPDX-License-Identifier: Apache-2.0
"""Content codings, packed: gzip and deflate by Python, br and zstd by the libraries that the program's own need."""
import ctypes
import gzip
import zlib


def bare(data):
    """deflate without zlib's head, as some send it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def brotli(data):
    library = ctypes.CDLL("libbrotlienc.so.1")
    room = ctypes.c_size_t(len(data) + 1024)
    out = ctypes.create_string_buffer(room.value)
    assert library.BrotliEncoderCompress(9, 22, 0, ctypes.c_size_t(len(data)), data, ctypes.byref(room), out) == 1
    return out.raw[:room.value]


def zstd(data):
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compress.restype = ctypes.c_size_t
    room = len(data) + 1024
    out = ctypes.create_string_buffer(room)
    count = library.ZSTD_compress(out, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), 3)
    assert not library.ZSTD_isError(ctypes.c_size_t(count))
    return out.raw[:count]


CODINGS = {
    "gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "Deflate": bare, "br": brotli, "zstd": zstd,
    "gzip, gzip": lambda data: gzip.compress(gzip.compress(data)),
    "deflate, identity, gzip": lambda data: gzip.compress(zlib.compress(data)),
    "gzip, br": lambda data: brotli(gzip.compress(data)),
    "zstd, gzip": lambda data: gzip.compress(zstd(data)),
}
