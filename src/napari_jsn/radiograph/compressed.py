"""Read what compressed image data state about themselves: codec, size, samples, bits; and repair invalid JPEG scans.

The header of a DICOM file can contradict the image data. The image data decide how they are decoded, and their size is
known before a decoder allocates memory for it.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

START_OF_SCAN = 0xDA
#: Last bytes of JPEG and JPEG-LS data; not part of a scan.
END = b"\xff\xd9"
#: Start-of-frame markers of JPEG (ITU-T T.81, table B.1) and JPEG-LS (ITU-T T.87) that DICOM files contain.
BASELINE, EXTENDED, PROGRESSIVE, LOSSLESS, JPEG_LS = 0xC0, 0xC1, 0xC2, 0xC3, 0xF7
#: All start-of-frame markers; the other markers from C0 to CF are tables.
FRAMES = (*(marker for marker in range(0xC0, 0xD0) if marker not in (0xC4, 0xC8, 0xCC)), JPEG_LS)
#: Markers without a length: TEM, RST0-7, SOI, EOI.
BARE = (0x01, *range(0xD0, 0xDA))

#: The transfer syntaxes under which each kind of image data can be decoded; the first is used if the header states none
#: of them.
SYNTAXES = {
    BASELINE: (JPEGBaseline8Bit, JPEGExtended12Bit),
    EXTENDED: (JPEGExtended12Bit,),
    PROGRESSIVE: (JPEGBaseline8Bit,),  # DICOM retired it; decoders of the baseline process read it
    LOSSLESS: (JPEGLosslessSV1, JPEGLossless),
    JPEG_LS: (JPEGLSLossless, JPEGLSNearLossless),
}
JPEG_2000 = (JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K)

CODESTREAM = b"\xff\x4f\xff\x51"  # start of codestream and size marker of JPEG 2000 (ISO/IEC 15444-1)


@dataclass(frozen=True)
class ImageData:
    """What compressed image data state about themselves.

    Parameters
    ----------
    content : bytes
        The data, with invalid scan parameters repaired.
    syntaxes : tuple of UID
        Transfer syntaxes under which they can be decoded.
    rows, cols, samples, bits : int
        Size, values per pixel and bits per value; 0 where the data do not state them.
    rgb : bool
        Whether three samples are red, green and blue; else luminance and chrominance.
    ends : bool
        Whether the data have their end. Decoders of JPEG and JPEG-LS fill what is missing with a constant.
    """

    content: bytes
    syntaxes: tuple[UID, ...]
    rows: int = 0
    cols: int = 0
    samples: int = 0
    bits: int = 0
    rgb: bool = False
    ends: bool = True


def image_data(content: bytes) -> ImageData | None:
    """Return what image data state about themselves; None if they are of no known kind or are damaged."""
    try:
        if content.startswith(b"\xff\xd8"):
            return _jpeg(content)
        if content.startswith((CODESTREAM, b"\0\0\0\x0cjP  ")):  # without and with the container of a JP2 file
            return _jpeg_2000(content)
        return ImageData(content, (RLELossless,)) if _is_rle(content) else None
    except (struct.error, IndexError, ValueError):  # the data end inside a header
        return None


def _jpeg(content: bytes) -> ImageData | None:
    """Return the frame header of JPEG or JPEG-LS data."""
    repaired, position, found, kind, transform = bytearray(content), 2, None, 0, None
    scan = len(content)
    while position < len(content) - 3:
        marker = content[position + 1]
        if content[position] != 0xFF or marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker in BARE:
            position += 2
            continue
        (length,) = struct.unpack_from(">H", content, position + 2)
        body = position + 4
        if marker == 0xEE and content[body : body + 5] == b"Adobe":
            transform = content[body + 11]
        elif marker in FRAMES and found is None:
            kind, found = marker, struct.unpack_from(">BHHB", content, body)
            names = content[body + 6 : body + 6 + 3 * found[3] : 3]
        position += 2 + length
        if marker == START_OF_SCAN:
            scan = min(scan, position)
            if kind in (BASELINE, EXTENDED):
                # A sequential scan contains coefficients 0 to 63. Some exports state 0 to 0, which decoders refuse.
                repaired[position - 3 : position] = b"\x00\x3f\x00"
            following = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]").search(content, position)
            position = following.start() if following else len(content)
    if found is None or kind not in SYNTAXES:
        return None
    bits, rows, cols, samples = found
    rgb = transform == 0 or names == b"RGB" or kind in (LOSSLESS, JPEG_LS)
    return ImageData(bytes(repaired), SYNTAXES[kind], rows, cols, samples, bits, rgb, END in content[scan:])


def _jpeg_2000(content: bytes) -> ImageData:
    """Return the size marker of JPEG 2000 data; ValueError where there is none."""
    start = content.index(CODESTREAM) + 8  # after both markers, length and capabilities
    right, bottom, left, top = struct.unpack_from(">4I", content, start)
    (samples,) = struct.unpack_from(">H", content, start + 32)
    bits = (content[start + 34] & 0x7F) + 1
    return ImageData(content, JPEG_2000, bottom - top, right - left, samples, bits, rgb=True)


def _is_rle(content: bytes) -> bool:
    """Return whether data begin with an RLE header (DICOM PS3.5 G.5): number of segments, and where each begins."""
    count, *starts = struct.unpack_from("<16I", content)
    used = starts[: max(count, 1)]
    return count in range(1, 16) and used[0] == 64 and used == sorted(used) and not any(starts[count:])
