#!/usr/bin/env python3
"""Writes engine/text/unicode_tables.c from Unicode 15.0 (Debian 12: package unicode-data 15.0.0).

  python3 engine/text/tables/gen.py [/usr/share/unicode] > engine/text/unicode_tables.c

The output is committed, because other distributions ship other versions of Unicode and an index must
not depend on where it was built. Run it only to move to a new version, which changes the tokens of
texts and therefore needs a word in the release notes.
"""
import sys

ROOT = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/unicode"
N = 0x110000
ALPHA, NUM, UPPER, LETTER, SPACE, LOWERS, FOLDS, CJK = (1 << i for i in range(8))
WORD_BREAK = ["Other", "CR", "LF", "Newline", "Extend", "ZWJ", "Format", "Katakana", "Hebrew_Letter",
              "ALetter", "Single_Quote", "Double_Quote", "MidNumLet", "MidLetter", "MidNum", "Numeric",
              "ExtendNumLet", "Regional_Indicator", "WSegSpace"]
SCRIPTS = ["none", "han", "hiragana", "complex", "hangul", "katakana", "pictographic"]

# A kind is written as one printable character, so that the biggest table is a string.
LETTERS = "".join(chr(c) for c in range(48, 127) if chr(c) not in '\\?"')


def rows(name):
    with open(f"{ROOT}/{name}", encoding="utf-8") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line:
                cells = [c.strip() for c in line.split(";")]
                first, _, last = cells[0].partition("..")
                yield int(first, 16), int(last or first, 16), cells[1:]


def unicode_data():
    """Code point -> fields of UnicodeData.txt, ranges expanded."""
    out = {}
    start = 0
    for first, _, cells in rows("UnicodeData.txt"):
        if cells[0].endswith(", First>"):
            start = first
        elif cells[0].endswith(", Last>"):
            for cp in range(start, first + 1):
                out[cp] = cells
        else:
            out[first] = cells
    return out


def property_set(name, prop):
    got = set()
    for first, last, cells in rows(name):
        if cells[0] == prop:
            got.update(range(first, last + 1))
    return got


def is_cjk(cp):
    return (0x4500 <= cp <= 0x9FFF or 0x3400 <= cp <= 0x4DBF or 0x20000 <= cp <= 0x2A6DF
            or 0x2A700 <= cp <= 0x2CEAF)


# Characters whose ASCII likeness follows neither from a decomposition nor from their name.
FOLD_BY_HAND = {
    "Æ": "AE", "æ": "ae", "Ǽ": "AE", "ǽ": "ae", "Ǣ": "AE", "ǣ": "ae", "ᴁ": "AE", "Œ": "OE", "œ": "oe", "ɶ": "OE",
    "ß": "ss", "ẞ": "SS", "Ð": "D", "ð": "d", "Þ": "TH", "þ": "th", "Ŋ": "N", "ŋ": "n", "ı": "i", "ĸ": "q",
    "ŉ": "n", "ſ": "s", "Ə": "A", "ə": "a", "Ɛ": "E", "ɛ": "e", "Ɔ": "O", "ɔ": "o", "ȸ": "db", "ȹ": "qp",
    "Ȣ": "OU", "ȣ": "ou", "ƕ": "hv", "Ƕ": "HV", "Ꜩ": "TZ", "ꜩ": "tz", "Ꜳ": "AA", "ꜳ": "aa", "Ꜵ": "AO", "ꜵ": "ao",
    "Ꜷ": "AU", "ꜷ": "au", "Ꜹ": "AV", "ꜹ": "av", "Ꜻ": "AV", "ꜻ": "av", "Ꜽ": "AY", "ꜽ": "ay", "Ꝏ": "OO", "ꝏ": "oo",
    "Ꝡ": "VY", "ꝡ": "vy", "Ỻ": "LL", "ỻ": "ll", "ʣ": "dz", "ʥ": "dz", "ʦ": "ts", "ʨ": "tc", "ʪ": "ls", "ʫ": "lz",
    "ᵫ": "ue", "Ƨ": "S", "ƨ": "s", "Ʒ": "Z", "ʒ": "z", "Ʀ": "R", "ƿ": "w", "Ƿ": "W",
    "ɚ": "a", "ᶕ": "a", "ᴂ": "ae", "ʗ": "C", "ↄ": "c", "Ɖ": "D", "ᴆ": "D", "ɞ": "e", "ʚ": "e", "Ⱶ": "H", "ⱶ": "h",
    "Ɩ": "I", "ꟾ": "I", "ᵼ": "i", "Ꝇ": "L", "ꝇ": "l", "ꟽ": "M", "ꟿ": "M", "ᴖ": "o", "ᴗ": "o", "ᴕ": "OU", "ᴔ": "oe",
    "Ɋ": "Q", "ʁ": "R", "Ꝧ": "TH", "ᵺ": "th", "ꝧ": "th", "Ʉ": "U", "ʉ": "u", "Ỽ": "V", "Ꝩ": "V", "Ȝ": "Z", "Ꝣ": "Z",
    "ȝ": "z", "ꝣ": "z", "⓿": "0", "‼": "!!", "⁇": "??", "⁈": "?!", "⁉": "!?",
    "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "″": '"', "‶": '"', "❝": '"', "❞": '"', "❮": '"', "❯": '"',
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "‵": "'", "‹": "'", "›": "'", "❛": "'", "❜": "'",
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "⁻": "-", "₋": "-", "⁅": "[", "⁆": "]", "❲": "[", "❳": "]",
    "⁓": "~", "⁄": "/", "⁎": "*", "⁏": ";", "⁒": "%", "‸": "^", "❨": "(", "❩": ")", "❪": "(", "❫": ")",
    "❬": "<", "❭": ">", "❰": "<", "❱": ">", "❴": "{", "❵": "}", "⸨": "((", "⸩": "))",
}


def fold_table(data):
    """Code point -> ASCII text: decompositions to ASCII letters, digits and marks, letters named
    "LATIN ... LETTER X WITH ..." or small capitals, and the list above."""
    marks = {cp for cp, d in data.items() if d[1].startswith("M")}
    memo = {}

    def decompose(cp):
        if cp not in memo:
            cells = data.get(cp)
            parts = cells[4].split() if cells else []
            if parts and parts[0].startswith("<"):
                parts = parts[1:]
            memo[cp] = [q for p in parts for q in decompose(int(p, 16))] if parts else [cp]
        return memo[cp]

    out = {}
    for cp, cells in data.items():
        if cp < 0x80 or cells[1] in ("Mn", "Mc", "Me", "Zs", "Cc", "Cf", "Lm") or cells[1][0] == "C":
            continue
        name = cells[0]
        if not (cp < 0x2E80 or 0xA720 <= cp <= 0xA7FF or 0xFB00 <= cp <= 0xFB06 or 0xFF01 <= cp <= 0xFF5E):
            continue
        if 0x2140 <= cp <= 0x245F or 0x0370 <= cp < 0x1D00 or 0x2190 <= cp <= 0x23FF or 0x2A00 <= cp < 0x2C60:
            continue  # Greek to Georgian, mathematical operators
        if 0x2000 <= cp <= 0x206F or 0x20A0 <= cp <= 0x20CF or 0x2100 <= cp <= 0x214F or 0x2150 <= cp <= 0x218F:
            continue  # punctuation by hand; currency, letter-like symbols and number forms stay
        text = "".join(chr(c) for c in decompose(cp) if c not in marks)
        if cells[4] and text and text.isascii() and text.isprintable() and len(text) <= 4 and " " not in text:
            if not (cp < 0xC0 and cells[1] in ("Sc", "Sk", "So", "Po", "No") and not cells[4].startswith("<super>")):
                out[cp] = text
                continue
        words = name.split()
        if words[:1] == ["LATIN"] and "LETTER" in words:
            rest = words[words.index("LETTER") + 1:]
            if rest[:2] == ["SMALL", "CAPITAL"] or rest[:1] == ["CAPITAL"]:
                rest = rest[rest.index("CAPITAL") + 1:]
            small = "SMALL" in words and not (words[1:2] == ["CAPITAL"] or words[2:4] == ["SMALL", "CAPITAL"])
            if words[1:5] == ["LETTER", "SMALL", "CAPITAL"] or words[1:3] == ["LETTER", "CAPITAL"]:
                rest = words[words.index("CAPITAL") + 1:]
                small = False
            for skip in ("TURNED", "REVERSED", "OPEN", "CLOSED", "BARRED", "LONG", "SIDEWAYS", "DOTLESS", "SCRIPT",
                         "INSULAR", "HEAVY", "BIG", "BLACKLETTER", "STIRRUP", "ROTATED", "CON"):
                if rest[:1] == [skip] and len(rest) > 1:
                    rest = rest[1:]
            if rest and len(rest[0]) == 1 and rest[0].isascii() and (len(rest) == 1 or rest[1] in ("WITH", "ROTUNDA")):
                out[cp] = rest[0].lower() if small else rest[0]
    for c, text in FOLD_BY_HAND.items():
        out[ord(c)] = text
    for cp in range(0x2460, 0x2474):  # circled, parenthesized and dotted numbers
        out[cp] = str(cp - 0x245F)
    for cp in range(0x2474, 0x2488):
        out[cp] = f"({cp - 0x2473})"
    for cp in range(0x2488, 0x249C):
        out[cp] = f"{cp - 0x2487}."
    for first, count in ((0x24F5, 10), (0x2776, 10), (0x2780, 10), (0x278A, 10)):  # other circles
        for i in range(count):
            out[first + i] = str(i + 1)
    for cp in range(0x24EB, 0x24F5):
        out[cp] = str(cp - 0x24E0)
    for i, c in enumerate("aeoxəhklmnpst"):  # subscripts of U+2090
        out[0x2090 + i] = "a" if c == "ə" else c
    for cp, c in ((0x2071, "i"), (0x207F, "n"), (0x1D62, "i"), (0x1D63, "r"), (0x1D64, "u"), (0x1D65, "v"), (0x2C7C, "j")):
        out[cp] = c
    for cp in range(0x249C, 0x24B6):
        out[cp] = f"({chr(cp - 0x249C + 97)})"
    assert all(t.isascii() and 1 <= len(t) <= 4 for t in out.values())
    return out


def runs(items, key):
    """[(first, count, stride, value)]: greedy runs of equal key() at stride 1 or 2."""
    items = sorted(items)
    left = dict(items)
    out = []
    for cp, v in items:
        if cp not in left:
            continue
        best = 1, 1
        for stride in (1, 2):
            n = 1
            while left.get(cp + n * stride) is not None and \
                    key(cp + n * stride, left[cp + n * stride]) == key(cp, v) and n < 255:
                n += 1
            if n > best[0]:
                best = n, stride
        n, stride = best
        for i in range(n):
            del left[cp + i * stride]
        out.append((cp, n, stride, key(cp, v)))
    return out


def emit_bytes(name, values, typ):
    print(f"const {typ} {name}[{len(values)}] = {{")
    line = "   "
    for v in values:
        cell = f" {v},"
        if len(line) + len(cell) > 99:
            print(line)
            line = "   "
        line += cell
    print(line + "\n};\n")


def main():
    data = unicode_data()
    alpha = property_set("DerivedCoreProperties.txt", "Alphabetic")
    upper = property_set("DerivedCoreProperties.txt", "Uppercase")
    lower = {cp: int(d[12], 16) for cp, d in data.items() if d[12]}
    fold = fold_table(data)
    wb = [0] * N
    for first, last, cells in rows("auxiliary/WordBreakProperty.txt"):
        for cp in range(first, last + 1):
            wb[cp] = WORD_BREAK.index(cells[0])
    script = [0] * N
    for first, last, cells in rows("Scripts.txt"):
        if cells[0] in ("Han", "Hiragana", "Hangul", "Katakana"):
            for cp in range(first, last + 1):
                script[cp] = SCRIPTS.index(cells[0].lower())
    for first, last, cells in rows("LineBreak.txt"):
        if cells[0] == "SA":
            for cp in range(first, last + 1):
                script[cp] = SCRIPTS.index("complex")
    for first, last, cells in rows("emoji/emoji-data.txt"):
        if cells[0] == "Extended_Pictographic":
            for cp in range(first, last + 1):
                if script[cp] == 0:
                    script[cp] = SCRIPTS.index("pictographic")

    kinds, kind_of = [], []
    for cp in range(N):
        gc = data[cp][1] if cp in data else "Cn"
        flags = (ALPHA * (cp in alpha) | NUM * (gc in ("Nd", "Nl", "No")) | UPPER * (cp in upper)
                 | LETTER * (gc[0] == "L") | LOWERS * (cp in lower) | FOLDS * (cp in fold)
                 | CJK * is_cjk(cp)
                 | SPACE * ((gc in ("Zs", "Zl", "Zp") and cp not in (0xA0, 0x2007, 0x202F))
                            or 9 <= cp <= 13 or 0x1C <= cp <= 0x1F))
        if not flags & (ALPHA | NUM):
            flags &= ~CJK  # unassigned: neither a letter nor an ideograph
        kind = flags, wb[cp], script[cp]
        if kind not in kinds:
            kinds.append(kind)
        kind_of.append(kinds.index(kind))
    assert len(kinds) <= len(LETTERS)

    # What is above the last interesting code point is like U+10FFFF, and planes 4..13 are empty.
    shift = 6
    pages, index = [], []
    for start in range(0, N, 1 << shift):
        page = tuple(kind_of[start:start + (1 << shift)])
        if page not in pages:
            pages.append(page)
        index.append(pages.index(page))
    end = len(index)
    while end and index[end - 1] == index[-1]:
        end -= 1
    tops, top_index = [], []
    for start in range(0, len(index), 64):
        top = tuple(index[start:start + 64])
        if top not in tops:
            tops.append(top)
        top_index.append(tops.index(top))

    print("/* Generated by tables/gen.py from Unicode 15.0; do not edit.\n"
          " * Copyright 1991-2022 Unicode, Inc.; used under the Unicode licence,\n"
          " * https://www.unicode.org/license.txt\n"
          f" * {len(kinds)} kinds of code points, {len(pages)} pages of 64, {len(tops)} of 4,096. */\n"
          "// clang-format off\n"
          '#include "text_int.h"\n')
    print("const struct qn__uc_kind qn__uc_kinds[128] = {")
    emit_rows([f"[{ord(LETTERS[i])}] = {{{f}, {w}, {s}}}" for i, (f, w, s) in enumerate(kinds)])
    emit_bytes("qn__uc_top", top_index, "uint8_t")
    emit_bytes("qn__uc_mid", [v for t in tops for v in t], "uint16_t")
    letters = "".join(LETTERS[v] for p in pages for v in p)
    print(f"const char qn__uc_page[{len(letters)} + 1] =")
    print("\n".join(f'    "{letters[i:i + 92]}"' for i in range(0, len(letters), 92)) + ";\n")
    low = runs(lower.items(), lambda cp, v: v - cp)
    low.sort()
    print(f"const size_t qn__uc_n_lower = {len(low)};")
    print(f"const struct qn__uc_lower_run qn__uc_lower_runs[{len(low)}] = {{")
    emit_rows([f"{{{a:#x}, {n}, {s}, {d}}}" for a, n, s, d in low])
    folds = runs(fold.items(), lambda cp, v: v)
    folds.sort()
    print(f"const size_t qn__uc_n_fold = {len(folds)};")
    print(f"const struct qn__uc_fold_run qn__uc_fold_runs[{len(folds)}] = {{")
    emit_rows(["{%#x, %d, %d, \"%s\"}" % (a, n, s, t.replace("\\", "\\\\").replace('"', '\\"'))
               for a, n, s, t in folds])


def emit_rows(cells):
    line = "   "
    for c in cells:
        if len(line) + len(c) + 2 > 99:
            print(line)
            line = "   "
        line += f" {c},"
    print(line + "\n};\n")


main()
