"""Makes the fonts that are built into the program.

Run by hand when a font has a new version:

    pip install fonttools zstandard
    npm install --ignore-scripts @expo-google-fonts/noto-sans-jp \
        @expo-google-fonts/noto-sans-mono @expo-google-fonts/noto-emoji
    python make.py node_modules/@expo-google-fonts

Hints, layout tables and names of glyphs go: a PDF has no use for them. The bold
font keeps the characters of Windows' Japanese (CP932) and everything that is no
Han character; the others keep all they have.
"""

import io
import pathlib
import sys

import zstandard
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONTS = {
    "NotoSansJP-Regular": "noto-sans-jp/400Regular/NotoSansJP_400Regular.ttf",
    "NotoSansJP-Bold": "noto-sans-jp/700Bold/NotoSansJP_700Bold.ttf",
    "NotoSansMono-Regular": "noto-sans-mono/400Regular/NotoSansMono_400Regular.ttf",
    "NotoEmoji-Regular": "noto-emoji/400Regular/NotoEmoji_400Regular.ttf",
}
UNUSED = ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "STAT", "DSIG", "meta"]


def common(c):
    if not (0x3400 <= c < 0xA000 or 0xF900 <= c < 0xFB00 or c >= 0x20000):
        return True
    try:
        chr(c).encode("cp932")
        return True
    except UnicodeEncodeError:
        return False


def main(source):
    for name, path in FONTS.items():
        font = TTFont(source / path)
        keep = set(font.getBestCmap())
        if name.endswith("-Bold"):
            keep = {c for c in keep if common(c)}
        options = Options()
        options.hinting = False
        options.layout_features = []
        options.drop_tables += UNUSED
        options.notdef_outline = True
        options.glyph_names = False
        options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
        subsetter = Subsetter(options)
        subsetter.populate(unicodes=keep)
        subsetter.subset(font)
        out = io.BytesIO()
        font.save(out)
        packed = zstandard.ZstdCompressor(level=19).compress(out.getvalue())
        pathlib.Path(__file__).with_name(name + ".ttf.zst").write_bytes(packed)
        print(name, len(keep), "characters,", len(packed), "bytes")


main(pathlib.Path(sys.argv[1]))
