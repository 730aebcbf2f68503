"""The featurisers of text, tagged and pair models, in Python, for training.

docs/formats/model-card.md defines them; src/model/featuriser_*.c runs them. tests/unit compares the two on values made
by this file, and `hashing` besides with scikit-learn's HashingVectorizer. NumPy only.

    hashing(texts, ...)             float32 [n][n_features]
    hashed_ids(texts, ...)          int64 [n][max_len], float32 [n][max_len]
    token_window(sentences, ...)    int64 [tokens][30]
    pair_similarities(pairs, ...)   float32 [n][16 + hashed_words]
"""

import re
import unicodedata

import numpy as np

DEFAULT_PATTERN = r"(?u)\b\w\w+\b"  # words of two characters and more
WORD_PATTERN = r"\w+"

# --- MurmurHash3_x86_32, seed 0, of UTF-8 -----------------------------------------------------------------------------


def _rotate(x, r):
    return (x << np.uint32(r)) | (x >> np.uint32(32 - r))


def murmur3(strings):
    """Signed 32-bit hashes of texts, int64 [n]. Texts of one length are hashed together."""
    encoded = [s.encode("utf-8") for s in strings]
    out = np.zeros(len(encoded), np.int64)
    by_length = {}
    for i, b in enumerate(encoded):
        by_length.setdefault(len(b), []).append(i)
    c1, c2 = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)
    with np.errstate(over="ignore"):
        for n, where in by_length.items():
            padded = (n + 3) // 4 * 4
            data = b"".join(encoded[i].ljust(padded, b"\0") for i in where)
            blocks = np.frombuffer(data, "<u4").reshape(len(where), padded // 4)
            h = np.zeros(len(where), np.uint32)
            for k in range(n // 4):
                h ^= _rotate(blocks[:, k] * c1, 15) * c2
                h = _rotate(h, 13) * np.uint32(5) + np.uint32(0xE6546B64)
            if n % 4:
                h ^= _rotate(blocks[:, n // 4] * c1, 15) * c2
            h ^= np.uint32(n)
            h ^= h >> np.uint32(16)
            h *= np.uint32(0x85EBCA6B)
            h ^= h >> np.uint32(13)
            h *= np.uint32(0xC2B2AE35)
            h ^= h >> np.uint32(16)
            out[where] = h.astype(np.int64)
    return np.where(out >= 2**31, out - 2**32, out)


class _Hashes:
    """Hash of every text asked for, each computed once."""

    def __init__(self):
        self.known = {}

    def of(self, strings):
        new = [s for s in dict.fromkeys(strings) if s not in self.known]
        if new:
            self.known.update(zip(new, murmur3(new).tolist()))
        return [self.known[s] for s in strings]


# --- n-grams of a text, as scikit-learn makes them --------------------------------------------------------------------


def _word_ngrams(words, ngram_range):
    first, last = ngram_range
    out = []
    for n in range(first, last + 1):
        out += [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
    return out


def _char_ngrams(text, ngram_range):
    text = re.sub(r"\s\s+", " ", text)
    out = []
    for n in range(ngram_range[0], ngram_range[1] + 1):
        out += [text[i : i + n] for i in range(len(text) - n + 1)]
    return out


def _char_wb_ngrams(text, ngram_range):
    out = []
    for word in text.split():
        word = " " + word + " "
        for n in range(ngram_range[0], ngram_range[1] + 1):
            out += [word[i : i + n] for i in range(max(1, len(word) - n + 1))]
            if len(word) <= n:  # a short word counts once
                break
    return out


def ngrams(text, analyzer="word", ngram_range=(1, 1), lowercase=True, token_pattern=DEFAULT_PATTERN, stop_words=()):
    if lowercase:
        text = text.lower()
    if analyzer == "char":
        return _char_ngrams(text, ngram_range)
    if analyzer == "char_wb":
        return _char_wb_ngrams(text, ngram_range)
    stop = set(stop_words or ())
    return _word_ngrams([w for w in re.findall(token_pattern, text) if w not in stop], ngram_range)


def hashing(texts, n_features=2**20, norm="l2", binary=False, alternate_sign=True, **analysis):
    """Counts of n-grams in cells |h| mod n_features, each with the sign of h. norm: 'l1', 'l2' or None."""
    out = np.zeros((len(texts), n_features), np.float64)
    hashes = _Hashes()
    for row, text in zip(out, texts):
        h = np.array(hashes.of(ngrams(text, **analysis)), np.int64)
        cells = np.abs(h) % n_features
        if binary:
            row[cells] = 1
        else:
            np.add.at(row, cells, np.where(h >= 0, 1.0, -1.0) if alternate_sign else 1.0)
        length = np.abs(row).sum() if norm == "l1" else np.sqrt((row * row).sum()) if norm == "l2" else 1.0
        if length > 0:
            row /= length
    return out.astype(np.float32)


def hashed_ids(texts, n_features=2**15, max_len=256, norm=4.0, ngram_range=(1, 2), token_pattern=WORD_PATTERN, **analysis):
    """Cells of n-grams in order of their first occurrence, the first max_len different ones, and ln(1 + count) scaled to
    the Euclidean norm `norm`; behind them cell 0 with weight 0."""
    ids = np.zeros((len(texts), max_len), np.int64)
    weights = np.zeros((len(texts), max_len), np.float32)
    hashes = _Hashes()
    for i, text in enumerate(texts):
        counts = {}
        for h in hashes.of(ngrams(text, ngram_range=ngram_range, token_pattern=token_pattern, **analysis)):
            cell = abs(h) % n_features
            counts[cell] = counts.get(cell, 0) + 1
        kept = list(counts.items())[:max_len]
        if kept:
            w = np.log1p(np.array([count for _, count in kept], np.float64))
            ids[i, : len(kept)] = [cell for cell, _ in kept]
            weights[i, : len(kept)] = norm * w / np.sqrt((w * w).sum())
    return ids, weights


# --- tokens in their window -------------------------------------------------------------------------------------------

OUTSIDE = "<s>"
WINDOW_FEATURES = 30


def shape(token):
    """Capitals X, other letters x, digits d, any other character itself; runs of equal ones once."""
    out = []
    for c in token:
        category = unicodedata.category(c)
        kind = "X" if category in ("Lu", "Lt") else "x" if category[0] == "L" else "d" if category == "Nd" else c
        if not out or out[-1] != kind:
            out.append(kind)
    return "".join(out)


def _token_features(token):
    low = token.lower()
    few = ["w=" + low, "s3=" + low[-3:], "x=" + shape(token)]
    all_ = ["w=" + low] + ["s%d=%s" % (k, low[-k:]) for k in (1, 2, 3, 4)] + ["p2=" + low[:2], "p3=" + low[:3], few[2]]
    return few, all_


def token_window(sentences, n_features=2**15):
    """Sentences are lists of texts. Row t: the features of the tokens at -2, -1, 0, +1, +2, in this order."""
    rows = []
    hashes = _Hashes()
    features = {}
    for sentence in sentences:
        tokens = [OUTSIDE, OUTSIDE, *sentence, OUTSIDE, OUTSIDE]
        for token in tokens:
            if token not in features:
                features[token] = _token_features(token)
        for t in range(2, len(tokens) - 2):
            strings = []
            for offset in (-2, -1, 0, 1, 2):
                few, all_ = features[tokens[t + offset]]
                strings += ["%+d:%s" % (offset, f) for f in (few if abs(offset) == 2 else all_)]
            rows.append([abs(h) % n_features for h in hashes.of(strings)])
    return np.array(rows, np.int64).reshape(len(rows), WINDOW_FEATURES)


# --- words by our own rule (src/base/words.h) -------------------------------------------------------------------------

STOP_WORDS = frozenset("""
a about above after again against ain all am an and any are aren aren't as at be because been before being below between
both but by can couldn couldn't d did didn didn't do does doesn doesn't doing don don't down during each few for from
further had hadn hadn't has hasn hasn't have haven haven't having he her here hers herself him himself his how i if in
into is isn isn't it it's its itself just ll m ma me mightn mightn't more most mustn mustn't my myself needn needn't no
nor not now o of off on once only or other our ours ourselves out over own re s same shan shan't she she's should
should've shouldn shouldn't so some such t than that that'll the their theirs them themselves then there these they this
those through to too under until up ve very was wasn wasn't we were weren weren't what when where which while who whom
why will with won won't wouldn wouldn't y you you'd you'll you're you've your yours yourself yourselves nan
""".split())

_SPACELESS = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3038, 0x303B),
    (0x3041, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x323AF),
)  # fmt: skip


def _is_spaceless(c):
    return ord(c) >= 0x0E00 and any(first <= ord(c) <= last for first, last in _SPACELESS)


def _cut(word):
    return word.encode("utf-8")[:64].decode("utf-8", "ignore")


def own_words(text):
    """Runs of letters, digits, marks and connectors, lower-cased character by character, at most 64 bytes, without stop
    words; scripts without spaces in character bigrams."""
    if text.isascii():
        return [w for w in (_cut(w) for w in re.findall(r"\w+", text.lower())) if w not in STOP_WORDS]
    out, word, previous, emitted = [], "", "", False
    for c in text + "\0":
        category = unicodedata.category(c)
        is_word = category[0] in "LMN" or category == "Pc"
        low = "i" if c == "\u0130" else c.lower()
        spaceless = is_word and _is_spaceless(c)
        if word and (spaceless or not is_word):
            word = _cut(word)
            if word not in STOP_WORDS:
                out.append(word)
            word = ""
        if previous and not spaceless:
            if not emitted:
                out.append(previous)
            previous, emitted = "", False
        if spaceless:
            if previous:
                out.append(previous + low)
                emitted = True
            previous = low
        elif is_word:
            word += low
    return out


# --- pairs of records -------------------------------------------------------------------------------------------------


def _jaccard(a, b):
    return len(a & b) / len(a | b) if a or b else 0.0


def _overlap(a, b):
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def _trigrams(words):
    return {(" " + w + " ")[i : i + 3] for w in words for i in range(len(w))}


def _has_digit(word):
    return any("0" <= c <= "9" for c in word)


class _Record:
    def __init__(self, values):
        self.values = list(values)
        self.attributes = [own_words(v) if v is not None else [] for v in self.values]
        self.list = [w for words in self.attributes for w in words]
        self.words = set(self.list)
        self.digits = {w for w in self.words if _has_digit(w)}
        self.first = set(self.attributes[0]) if self.attributes else set()
        self.n_bytes = sum(len(v.encode("utf-8")) for v in self.values if v is not None)
        self.n_empty = sum(v is None or not v.strip(" \t\n\v\f\r") for v in self.values)


def _similarities(a, b):
    shorter, longer = sorted((a.n_bytes, b.n_bytes))
    n_values = len(a.values) + len(b.values)
    places = [(set(x), set(y)) for x, y in zip(a.attributes, b.attributes) if x or y]
    ta, tb = _trigrams(a.words), _trigrams(b.words)
    return [
        _jaccard(a.words, b.words), _overlap(a.words, b.words),
        _jaccard(ta, tb), _overlap(ta, tb),
        _jaccard(a.digits, b.digits), _overlap(a.digits, b.digits),
        _jaccard(a.first, b.first), _overlap(a.first, b.first),
        _jaccard(set(a.list[:4]), set(b.list[:4])),
        shorter / longer if longer else 1.0,
        np.log1p(len(a.words)), np.log1p(len(b.words)),
        float(not a.digits or not b.digits),
        (a.n_empty + b.n_empty) / n_values if n_values else 0.0,
        float(bool(a.list and b.list) and a.list[0] == b.list[0]),
        sum(_jaccard(x, y) for x, y in places) / len(places) if places else 0.0,
    ]  # fmt: skip


def pair_similarities(pairs, hashed_words=0):
    """Pairs of records; a record is the list of its values, None where missing. Behind the 16 similarities
    hashed_words / 2 cells ln(1 + different words of both records), and as many for words of just one."""
    half = hashed_words // 2
    out = np.zeros((len(pairs), 16 + 2 * half), np.float64)
    hashes = _Hashes()
    for row, (left, right) in zip(out, pairs):
        a, b = _Record(left), _Record(right)
        row[:16] = _similarities(a, b)
        if half:
            for words, first in ((a.words & b.words, 16), (a.words ^ b.words, 16 + half)):
                np.add.at(row, [first + abs(h) % half for h in hashes.of(words)], 1.0)
            row[16:] = np.log1p(row[16:])
    return out.astype(np.float32)
