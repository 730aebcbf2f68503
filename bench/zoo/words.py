"""Collections of words: review sentiment, parts of speech, entity matching."""

import csv
import io
import re
from pathlib import Path

import numpy as np

from data_folders import Data
from domains import Collection, Domain, cut, read_bytes, read_lines, sample

REVIEWS = ["apparel", "baby", "books", "camera_photo", "dvd", "electronics", "imdb", "kitchen_housewares",
           "music", "software", "sports_outdoors", "toys_games", "video"]
SENTIMENTS = {"0": "negative", "1": "positive", "negative": "negative", "positive": "positive"}
SMALL_SHARES = (.6, .15, .25)   # train, valid, test of domains without official splits
TWEETS = 3000
AIRLINES = ["united", "usairways", "americanair", "southwestair", "jetblue", "virginamerica"]

GENRES = ["atis", "ewt_answers", "ewt_email", "ewt_newsgroup", "ewt_reviews", "ewt_weblog", "gum_academic", "gum_bio",
          "gum_conversation", "gum_court", "gum_essay", "gum_fiction", "gum_interview", "gum_letter", "gum_news",
          "gum_podcast", "gum_speech", "gum_textbook", "gum_voyage"]
TOKENS = {"train": 12000, "dev": 2000, "test": 3000}

# Tags that all four domains have; kinds of a shared one count as that one, all others as misc.
SHARED_TAGS = {"person", "organisation", "location", "country", "event", "misc"}
ENTITIES = {"politician": "person", "scientist": "person", "musicalartist": "person", "writer": "person",
            "politicalparty": "organisation", "university": "organisation", "band": "organisation",
            "election": "event"}

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


def review_domains(data: Data) -> list[Domain]:
    """Kinds of goods, with official splits."""
    domains = []
    for name in REVIEWS:
        texts, labels = reviews(data / f"sentiment_fdu_mtl/{name}.task.train.gz")
        train, valid = cut(len(texts), (.85, .15), name)
        more, more_labels = reviews(data / f"sentiment_fdu_mtl/{name}.task.test.gz")
        test = np.arange(len(texts), len(texts) + len(more))
        domains.append(Domain(name, texts + more, labels + more_labels, train, valid, test))
    return domains


def short_domains(data: Data) -> list[Domain]:
    """Sentences of two kinds, tweets to airlines."""
    tweets, labels = reviews(data / "sentiment_short/airline_tweets.tsv.gz")
    kept = sample(np.arange(len(tweets)), TWEETS, "s_airline")
    return [small_domain("s_amazon", *sentences(data / "sentiment_short/amazon_cells_labelled.txt")),
            small_domain("s_imdb", *sentences(data / "sentiment_short/imdb_labelled.txt")),
            small_domain("s_airline", [tweets[i] for i in kept], [labels[i] for i in kept])]


def read_sentiment(data: Data) -> Collection:
    """16 domains: reviews of 13 kinds of goods, sentences of two kinds, tweets to airlines."""
    domains = review_domains(data) if data.has("sentiment_fdu_mtl") else []
    domains += short_domains(data) if data.has("sentiment_short") else []
    return Collection("sentiment", "text", "classification", domains)


def read_airlines(data: Data) -> Collection:
    """Tweets by the airline that they begin by addressing, each text once, neutral ones left out."""
    tweets: dict[str, dict[str, str]] = {name: {} for name in AIRLINES}
    for text, label in zip(*reviews(data / "sentiment_short/airline_tweets.tsv.gz")):
        addressed = re.match(r"@(\w+)", text)
        if addressed and addressed[1].lower() in tweets:
            tweets[addressed[1].lower()].setdefault(text, label)
    domains = [small_domain(name, list(texts), list(texts.values())) for name, texts in tweets.items()]
    return Collection("airlines", "text", "classification", domains)


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


def read_pos(data: Data) -> Collection:
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


def read_entities(path: Path) -> list[list[tuple[str, str]]]:
    """Sentences of (word, shared tag)."""
    found: list[list[tuple[str, str]]] = [[]]
    for line in read_lines(path):
        word, _, tag = line.partition("\t")
        if word:
            kind = tag[2:]
            found[-1].append((word, "O" if tag == "O" else ENTITIES.get(kind, kind if kind in SHARED_TAGS else "misc")))
        elif found[-1]:
            found.append([])
    return [sentence for sentence in found if sentence]


def read_ner(data: Data) -> Collection:
    """4 domains. The published training sentences are few: the first three quarters of dev train, too."""
    domains = []
    for name in ["politics", "science", "music", "literature"]:
        parts = [read_entities(data / f"ner_crossner/{name}/{split}.txt.gz") for split in ("train", "dev", "test")]
        tagged = sum(parts, [])
        ends = [len(parts[0]) + len(parts[1]) * 3 // 4, len(parts[0]) + len(parts[1])]
        train, valid, test = np.split(np.arange(len(tagged)), ends)
        domains.append(Domain(name, [[word for word, _ in s] for s in tagged], [[tag for _, tag in s] for s in tagged],
                              train, valid, test, np.concatenate([valid, test])))
    return Collection("ner", "tagged", "tagging", domains)


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


def read_entity_matching(data: Data) -> Collection:
    """12 domains of record pairs: six of DeepMatcher, three of WDC, three of Magellan."""
    domains = []
    for name, folder in PAIR_SETS.items():
        if not data.has(folder):
            continue
        pairs, labels, ends = [], [], []
        for split, most in PAIRS.items():
            some, their_labels = read_pairs(data / folder / name / f"{split}.txt.gz")
            kept = sample(np.arange(len(some)), most, name)
            pairs += [some[i] for i in kept]
            labels += [their_labels[i] for i in kept]
            ends.append(len(pairs))
        domains.append(Domain(name, pairs, labels, *np.split(np.arange(len(pairs)), ends[:-1])))
    for name, file in MAGELLAN.items() if data.has("em_magellan784") else ():
        domains.append(small_domain(name, *read_magellan(data / f"em_magellan784/labelled/{file}.csv")))
    return Collection("entity_matching", "pair", "matching", domains)
