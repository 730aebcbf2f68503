#!/usr/bin/env python3
"""Writes featurisers.txt, the expected values of tests/unit/test_featuriser_*.c: hashing by scikit-learn itself (1.2),
WordPiece by a naive tokeniser below, the rest by bench/zoo/featurisers.py. Run it where python3-sklearn is installed.

Lines: T text · C featuriser, then R cell:value for each text · B vocabulary token, then I ids for each text · S tokens,
then W 30 ids for each token · P left||right, attributes by |, - missing, then V 16 similarities and 8 cells
"""

import pathlib
import re
import sys
import unicodedata

from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import murmurhash3_32

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "bench" / "zoo"))
import featurisers  # noqa: E402

TEXTS = [
    "The quick brown fox jumps over the lazy dog, twice: 2 x 12.5 = 25!",
    "",
    "a b c I",
    "Naïve café déjà-vu; ÀÉÎÕÜ ß ẞ Łódź œuvre ½ Ⅳ x² snake_case __init__",
    "ΟΔΟΣ Σίσυφος ΣΑΣ Σ ΑΣ' α.Σ İstanbul ISPARTA ǅ",
    "Привет, МИР! 東京都は日本の首都です。 한국어 ไทย हिन्दी",
    "tabs\tand \n\n new\u3000lines\u2003 and  two  blanks \u00a0 end \x1f sep",
    "cafe\u0301 e\u0301te\u0301 zero\u200bwidth soft\u00adhyphen 👍🏽 ok",
    "repeat repeat repeat again again the the the end",
    "don't stop me now, he's no one's unaffable [SEP] [CLS] ##ing #hash @user $5.00 " + "x" * 101 + " tail",
]
CASES = [
    dict(),
    dict(norm="l1"),
    dict(norm=None, alternate_sign=False, ngram_range=(1, 2)),
    dict(binary=True, ngram_range=(2, 3)),
    dict(token_pattern=r"\w+", ngram_range=(1, 3), lowercase=False),
    dict(stop_words=["the", "and", "me", "日本の首都です"], ngram_range=(1, 2)),
    dict(analyzer="char", ngram_range=(1, 3)),
    dict(analyzer="char", ngram_range=(2, 4), binary=True, norm=None),
    dict(analyzer="char_wb", ngram_range=(1, 5)),
    dict(analyzer="char_wb", ngram_range=(3, 16), norm="l1"),
]
ID_CASES = [dict(), dict(max_len=5, norm=1.0, token_pattern=featurisers.DEFAULT_PATTERN), dict(ngram_range=(1, 1), n_features=7)]
VOCABULARY = """[PAD] [UNK] [CLS] [SEP] the quick brown fox jump ##s over lazy dog , : ! . ' ; - _ twice 2 x 12 5 = a b c i
na ##ive cafe de ##ja vu aeiou lodz un ##aff ##able istanbul ' [ ] sep cls # ing hash @ user $ 00 repeat again end 東 京 都 は
日 本 привет мир οδος ##σ ##ς zero ##width σας don t stop me now he s no one ok tail ete new ##line ##lines""".split()
SENTENCES = [
    ["The", "Dogs", "ran", "12a", "."],
    ["Σίσυφος"],
    ["ΟΔΟΣ", "naïve", "日本", "e\u0301te", "McDonald's", "U.S.", "2020-01", "a"],
]
PAIRS = [
    (["Sony TV 40", "black", "299"], ["sony 40 inch TV", "299 black", " \t"]),
    (["abc"], ["abc"]),
    ([None, "x"], ["word"]),
    ([None], [None, None]),
    (["東京都 Canon EOS-5D", "the of and", "Łódź ½"], ["canon eos 5d 東京", None, "łódź ΣΑΣ é" + "é" * 40]),
    (["a1 a2 a3 a4 a5 a6 a7 a8 b1 b2 b3 b4"], ["a1 a2 a3 a4 a5 a6 a7 a8 c1 c2 c3 c4 c1 c1"]),
]


def wordpiece(text, vocabulary, max_len):
    """BERT's tokeniser with lower case, written for clearness."""
    ids = {token: i for i, token in enumerate(vocabulary)}
    spaced = ""
    for c in text:
        category = unicodedata.category(c)
        if c in " \t\n\r" or category[0] == "Z":
            spaced += " "
        elif c == "\ufffd" or category[0] == "C":
            continue
        elif 0x4E00 <= ord(c) <= 0x9FFF or 0x3400 <= ord(c) <= 0x4DBF:
            spaced += " " + c + " "
        else:
            spaced += c
    words = []
    for token in spaced.split(" "):
        token = unicodedata.normalize("NFD", token.lower())
        token = "".join(c for c in token if unicodedata.category(c) != "Mn")
        split = ""
        for c in token:
            split += " " + c + " " if unicodedata.category(c)[0] == "P" or c in "$+<=>^`|~" else c
        words += split.split()
    out = [ids["[CLS]"]]
    for word in words:
        pieces, at = [], 0
        while at < len(word) <= 100:
            for end in range(len(word), at, -1):
                piece = ("##" if at else "") + word[at:end]
                if piece in ids:
                    pieces.append(ids[piece])
                    at = end
                    break
            else:
                break
        out += pieces if at == len(word) else [ids["[UNK]"]]
    return out[: max_len - 1] + [ids["[SEP]"]]


def escape(text):
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def yaml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(yaml, value)) + "]"
    return "none" if value is None else "'%s'" % value if isinstance(value, str) else repr(value)


def card(name, options):
    return "C {name: %s%s}" % (name, "".join(", %s: %s" % (k, yaml(v)) for k, v in options.items()))


def main():
    # the lists of this file and of the library are one
    source = (HERE.parents[2] / "src" / "base" / "stop_words.c").read_text()
    listed = set(re.findall(r'"([a-z\']+)"', source[source.index("static const char words") :].split("};")[0]))
    assert listed | {"nan"} == featurisers.STOP_WORDS, listed ^ featurisers.STOP_WORDS
    assert featurisers.murmur3(TEXTS).tolist() == [murmurhash3_32(t) for t in TEXTS]

    out = ["T " + escape(t) for t in TEXTS]
    for case in CASES:
        options = {"n_features": 1024, **case}
        rows = HashingVectorizer(**options).transform(TEXTS)
        assert abs(rows.toarray() - featurisers.hashing(TEXTS, **options)).max() < 1e-6
        out.append(card("hashing", options))
        for row in rows:
            row.sort_indices()
            out.append("R" + "".join(" %d:%.9g" % cell for cell in zip(row.indices, row.data)))
    for case in ID_CASES:
        options = {"max_len": 40, **case}
        ids, weights = featurisers.hashed_ids(TEXTS, **options)
        out.append(card("hashed-ids", options))
        out += ["R" + "".join(" %d:%.9g" % cell for cell in zip(*rows)) for rows in zip(ids.tolist(), weights.tolist())]
    out += ["B " + token for token in VOCABULARY]
    out += ["I " + " ".join(map(str, wordpiece(t, VOCABULARY, 32))) for t in TEXTS]
    for sentence in SENTENCES:
        out.append("S " + " ".join(sentence))
        out += ["W " + " ".join(map(str, row)) for row in featurisers.token_window([sentence]).tolist()]
    for pair in PAIRS:
        out.append("P " + "||".join("|".join("-" if v is None else escape(v) for v in record) for record in pair))
        out.append("V " + " ".join("%.9g" % v for v in featurisers.pair_similarities([pair], 8)[0].tolist()))
    (HERE / "featurisers.txt").write_text("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
