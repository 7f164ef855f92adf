"""Made-up images for benchmarks, with the standard library alone."""
import gzip
import math
import random
import struct
import zlib


def profile(length, draw):
    """Smooth levels along one axis, 0 to 255."""
    waves = [(draw.uniform(1, 6), draw.uniform(0, 2 * math.pi)) for _ in range(3)]
    return [round(127.5 + 127.5 * sum(math.sin(f * 2 * math.pi * i / length + p) for f, p in waves) / 3)
            for i in range(length)]


def plane(rows, columns, offset, noise):
    """Rows of the sum of two profiles and an offset, with a little noise, 0 to 255."""
    return [bytes((row + column + offset + (grain & 31)) >> 2 for column, grain in zip(columns, noise.randbytes(len(columns))))
            for row in rows]


def write_png(path, rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def write_nifti(path, planes):
    """uint8 voxels of 1 mm, an upright NIfTI-1 volume."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, len(planes[0][0]), len(planes[0]), len(planes), 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)  # unsigned char, bits
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 1, 1, 1, 1)
    struct.pack_into("<3f", header, 108, 352, 1, 0)  # where the voxels begin; slope, intercept
    header[123] = 2  # millimetres
    struct.pack_into("<2h", header, 252, 0, 1)  # the rows below say where voxels lie
    for row in range(3):
        struct.pack_into("<4f", header, 280 + 16 * row, *(float(row == column) for column in range(4)))
    header[344:348] = b"n+1\0"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(bytes(header) + b"".join(b"".join(rows) for rows in planes))


def make_pictures(folder, count, side):
    """*.png of side^2"""
    folder.mkdir()
    for number in range(count):
        draw = random.Random(number)
        rows, columns = profile(side, draw), profile(side, draw)
        write_png(folder / f"{number:03}.png", plane(rows, columns, draw.randrange(256), draw))


def make_volumes(folder, count, side):
    """*.nii.gz of side^3"""
    folder.mkdir()
    for number in range(count):
        draw = random.Random(number)
        rows, columns = profile(side, draw), profile(side, draw)
        planes = [plane(rows, columns, level, draw) for level in profile(side, draw)]
        write_nifti(folder / f"{number:03}.nii.gz", planes)
