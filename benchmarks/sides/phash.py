"""The plain script: imagehash.phash over the images in a folder. python phash.py FOLDER PROCESSES"""

import sys
from multiprocessing import Pool
from pathlib import Path

import imagehash
from PIL import Image


def phash(path: Path) -> imagehash.ImageHash:
    return imagehash.phash(Image.open(path))


if __name__ == "__main__":
    paths = sorted(Path(sys.argv[1]).iterdir())
    if sys.argv[2] == "1":
        hashes = [phash(path) for path in paths]
    else:
        with Pool(int(sys.argv[2])) as pool:
            hashes = pool.map(phash, paths, chunksize=4)
    print(len(hashes))
