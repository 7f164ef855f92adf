"""Reads every NIfTI, MetaImage, PNG and JPEG file below a folder with nibabel, SimpleITK and Pillow.

    independent_reader.py FOLDER OUT

One line a file: path, shape (channels, then slowest axis first), CRC-32 of the pixels as little-endian float32, and for
NIfTI and MetaImage the 12 numbers of the matrix that takes an index (x, y, z, 1) to patient millimetres (LPS).
JPEG: the mean in place of the checksum, since decoders may differ by a level.
"""
import pathlib
import sys
import zlib

import nibabel
import numpy
from PIL import Image


def nifti(path):
    image = nibabel.load(path)
    voxels = numpy.asarray(image.get_fdata(dtype=numpy.float64))
    if voxels.ndim == 3:
        voxels = voxels[..., None]
    matrix = numpy.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    return voxels.transpose(3, 2, 1, 0), matrix[:3].ravel()


def picture(path):
    image = Image.open(path)
    if image.mode == "P":
        image = image.convert("RGB")
    pixels = numpy.asarray(image)
    if image.mode == "1":
        pixels = pixels * 255
    return (pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)), []


def meta(path):
    import SimpleITK

    image = SimpleITK.ReadImage(str(path))
    pixels = SimpleITK.GetArrayFromImage(image)
    size = image.GetDimension()
    direction = numpy.array(image.GetDirection()).reshape(size, size) * image.GetSpacing()
    return pixels[None], numpy.column_stack([direction, image.GetOrigin()]).ravel()


def main(folder, out):
    readers = {".gz": nifti, ".nii": nifti, ".png": picture, ".jpg": picture, ".mha": meta}
    with open(out, "w") as lines:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix not in readers:
                continue
            pixels, matrix = readers[path.suffix](path)
            values = numpy.ascontiguousarray(pixels, dtype="<f4")
            check = f"{values.mean(dtype=numpy.float64):.17g}" if path.suffix == ".jpg" else zlib.crc32(values)
            shape = "x".join(map(str, values.shape))
            print(path.relative_to(folder), shape, check, *(f"{number:.9g}" for number in matrix), sep="\t", file=lines)


main(*sys.argv[1:])
