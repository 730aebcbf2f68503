"""Collections of words: review sentiment, parts of speech, entity matching."""

import csv
import io
from pathlib import Path

import numpy as np

from domains import Collection, Domain, cut, read_bytes, read_lines, sample

REVIEWS = ["apparel", "baby", "books", "camera_photo", "dvd", "electronics", "imdb", "kitchen_housewares",
           "music", "software", "sports_outdoors", "toys_games", "video"]
SENTIMENTS = {"0": "negative", "1": "positive", "negative": "negative", "positive": "positive"}
SMALL_SHARES = (.6, .15, .25)   # train, valid, test of domains without official splits
TWEETS = 3000

GENRES = ["atis", "ewt_answers", "ewt_email", "ewt_newsgroup", "ewt_reviews", "ewt_weblog", "gum_academic", "gum_bio",
          "gum_conversation", "gum_court", "gum_essay", "gum_fiction", "gum_interview", "gum_letter", "gum_news",
          "gum_podcast", "gum_speech", "gum_textbook", "gum_voyage"]
TOKENS = {"train": 12000, "dev": 2000, "test": 3000}

PAIR_SETS = {"abt_buy": "em_deepmatcher", "amazon_google": "em_deepmatcher", "dblp_acm": "em_deepmatcher",
             "dblp_scholar": "em_deepmatcher", "dirty_itunes_amazon": "em_deepmatcher",
             "walmart_amazon": "em_deepmatcher", "cameras": "em_wdc", "computers": "em_wdc", "shoes": "em_wdc"}
MAGELLAN = {"m_books2": "books2", "m_movies1": "movies1_rottentomatoes_imdb",
            "m_restaurants": "restaurants_zomato_yelp"}
PAIRS = {"train": 6000, "valid": 2000, "test": 2000}     # of a domain, at most


def reviews(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of `label<TAB>text`; neutral ones are left out."""
    split = [line.split("\t", 1) for line in read_lines(path)]
    kept = [(text, SENTIMENTS[label]) for label, text in split if label in SENTIMENTS]
    return [text for text, _ in kept], [label for _, label in kept]


def sentences(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of `text<TAB>label`."""
    split = [line.rsplit("\t", 1) for line in read_lines(path)]
    return [text.replace("\t", " ") for text, _ in split], [SENTIMENTS[label] for _, label in split]


def small_domain(name: str, texts: list[str], labels: list[str]) -> Domain:
    """A domain without official splits."""
    return Domain(name, texts, labels, *cut(len(texts), SMALL_SHARES, name))


def read_sentiment(data: Path) -> Collection:
    """16 domains: reviews of 13 kinds of goods, sentences of two kinds, tweets to airlines."""
    domains = []
    for name in REVIEWS:
        texts, labels = reviews(data / f"sentiment_fdu_mtl/{name}.task.train.gz")
        train, valid = cut(len(texts), (.85, .15), name)
        more, more_labels = reviews(data / f"sentiment_fdu_mtl/{name}.task.test.gz")
        test = np.arange(len(texts), len(texts) + len(more))
        domains.append(Domain(name, texts + more, labels + more_labels, train, valid, test))
    short = data / "sentiment_short"
    domains.append(small_domain("s_amazon", *sentences(short / "amazon_cells_labelled.txt")))
    domains.append(small_domain("s_imdb", *sentences(short / "imdb_labelled.txt")))
    tweets, labels = reviews(short / "airline_tweets.tsv.gz")
    kept = sample(np.arange(len(tweets)), TWEETS, "s_airline")
    domains.append(small_domain("s_airline", [tweets[i] for i in kept], [labels[i] for i in kept]))
    return Collection("sentiment", "text", "classification", domains)


def read_conllu(path: Path) -> list[list[tuple[str, str]]]:
    """Sentences of (word, universal tag)."""
    found: list[list[tuple[str, str]]] = [[]]
    for line in read_lines(path):
        cells = line.split("\t")
        if len(cells) == 10 and cells[0].isdigit():
            found[-1].append((cells[1], cells[3]))
        elif not line and found[-1]:
            found.append([])
    return [sentence for sentence in found if sentence]


def evenly(tagged: list[list[tuple[str, str]]], n_tokens: int) -> list[list[tuple[str, str]]]:
    """Evenly spread sentences of about n_tokens in all, so that every document is heard (as bench/collections.c)."""
    share = min(1.0, n_tokens / sum(map(len, tagged)))
    owed, kept = 0.0, []
    for sentence in tagged:
        owed += share
        if owed >= 1:
            owed -= 1
            kept.append(sentence)
    return kept


def read_pos(data: Path) -> Collection:
    """19 genres; a row is a sentence. Others serve its dev and test sentences."""
    domains = []
    for name in GENRES:
        parts = [evenly(read_conllu(data / f"ud_english/{name}.{split}.conllu.gz"), n) for split, n in TOKENS.items()]
        tagged = sum(parts, [])
        ends = np.cumsum([len(part) for part in parts])
        train, valid, test = np.split(np.arange(ends[-1]), ends[:-1])
        domains.append(Domain(name, [[word for word, _ in s] for s in tagged], [[tag for _, tag in s] for s in tagged],
                              train, valid, test, np.concatenate([valid, test])))
    return Collection("pos", "tagged", "tagging", domains)


def read_pairs(path: Path) -> tuple[list[str], list[str]]:
    """Pairs `left<TAB>right` in the COL … VAL … form, and their labels."""
    split = [line.rsplit("\t", 1) for line in read_lines(path)]
    return [pair for pair, _ in split], [label for _, label in split]


def read_magellan(path: Path) -> tuple[list[str], list[str]]:
    """The same of flattened pairs `left [SEP] right`."""
    rows = list(csv.DictReader(io.StringIO(read_bytes(path).decode(), newline="")))
    pairs = []
    for row in rows:
        left, right = " ".join(row["pairs"].replace("\t", " ").splitlines()).split(" [SEP] ")
        pairs.append(f"COL text VAL {left}\tCOL text VAL {right}")
    return pairs, [row["labels"] for row in rows]


def read_entity_matching(data: Path) -> Collection:
    """12 domains of record pairs: six of DeepMatcher, three of WDC, three of Magellan."""
    domains = []
    for name, folder in PAIR_SETS.items():
        pairs, labels, ends = [], [], []
        for split, most in PAIRS.items():
            some, their_labels = read_pairs(data / folder / name / f"{split}.txt.gz")
            kept = sample(np.arange(len(some)), most, name)
            pairs += [some[i] for i in kept]
            labels += [their_labels[i] for i in kept]
            ends.append(len(pairs))
        domains.append(Domain(name, pairs, labels, *np.split(np.arange(len(pairs)), ends[:-1])))
    for name, file in MAGELLAN.items():
        domains.append(small_domain(name, *read_magellan(data / f"em_magellan784/labelled/{file}.csv")))
    return Collection("entity_matching", "pair", "matching", domains)
