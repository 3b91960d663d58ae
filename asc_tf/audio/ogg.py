"""Whether an Ogg file (Vorbis, Opus, FLAC) is whole, page by page: libsndfile reads a cut file as a shorter one."""

import struct

from asc_tf.errors import AscError

_HEADER = struct.Struct("<4sBBqIIIB")  # magic, version, flags, granule position, serial, sequence, checksum, segments
_LAST_PAGE = 4  # of a stream


def check_ogg_is_whole(path, file):
    """Go through the pages of an Ogg file to the one that ends the stream.

    Args:
        path: for messages.
        file: open binary file.

    Raises:
        AscError: the last page is missing, cut or damaged, a page in between is missing, or the file holds several
            streams, of which libsndfile reads only the first.
    """
    position, serial, expected = 0, None, 0
    while True:
        file.seek(position)
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or header[:4] != b"OggS":
            raise AscError(f"{path}: truncated or damaged, no page of the Ogg stream begins at byte {position}")
        _, _, flags, granule, page_serial, sequence, _, segments = _HEADER.unpack(header)
        lacing = file.read(segments)
        body = sum(lacing)
        if serial not in (None, page_serial):
            raise AscError(f"{path}: holds several Ogg streams; expected one")
        if sequence != expected:
            raise AscError(f"{path}: damaged, page {expected} of the Ogg stream is missing before byte {position}")
        serial, expected = page_serial, expected + 1
        if flags & _LAST_PAGE:
            page = header + lacing + file.read(body)
            if len(page) < _HEADER.size + segments + body or _checksum(page) != header[22:26] or granule < 0:
                raise AscError(f"{path}: truncated or damaged, the last page of the Ogg stream is not whole")
            if file.read(4) == b"OggS":
                raise AscError(f"{path}: holds several Ogg streams one after the other; expected one")
            return
        position += _HEADER.size + segments + body


def _checksum(page):
    """The four checksum bytes of a page.

    Polynomial 0x04C11DB7, most significant bit first, over the page with zeros in place of the checksum (RFC 3533,
    section 6)."""
    remainder = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        remainder = remainder << 8 & 0xFFFFFFFF ^ _TABLE[remainder >> 24 ^ byte]
    return struct.pack("<I", remainder)


def _table():
    for byte in range(256):
        remainder = byte << 24
        for _ in range(8):
            remainder = remainder << 1 ^ (0x104C11DB7 if remainder & 1 << 31 else 0)
        yield remainder


_TABLE = [*_table()]
