"""Activity recognition: features of 5-second windows of inertial sensors at several body positions."""

import io
from pathlib import Path

import numpy as np

from data_folders import Data
from domains import Collection, Domain, read_bytes, read_lines

POSITIONS = ["torso", "right_arm", "left_arm", "right_leg", "left_leg"]
ACTIVITIES = [
    "sitting", "standing", "lying on back", "lying on right side", "ascending stairs", "descending stairs",
    "standing in a lift", "moving in a lift", "walking", "treadmill flat", "treadmill inclined", "running",
    "stepper", "cross trainer", "cycling horizontal", "cycling vertical", "rowing", "jumping", "basketball"]
SHARED = {1: "sitting", 2: "standing", 5: "ascending", 6: "descending", 9: "walking", 10: "walking", 12: "running"}
MOTIONSENSE = ["descending", "ascending", "walking", "running", "standing", "sitting"]
SHARED_COLUMNS = 54     # accelerometer and gyroscope: MotionSense has no magnetometer
SEGMENTS = 60           # of a subject's activity in DSADS, one after the other in time


def read_array(path: Path) -> np.ndarray:
    """A gzipped .npy."""
    return np.load(io.BytesIO(read_bytes(path)))


def read_windows(path: Path) -> np.ndarray:
    """Numbers of a windows.csv, without its heading."""
    return np.array([[int(cell) for cell in line.split(",")] for line in read_lines(path)[1:]])


def split_in_time(place: np.ndarray, shares: tuple[float, float]) -> list[np.ndarray]:
    """Train, valid and test by place in the recording (0 its start, 1 its end): neighbours are much alike."""
    return [np.flatnonzero(place < shares[0]),
            np.flatnonzero((place >= shares[0]) & (place < shares[1])),
            np.flatnonzero(place >= shares[1])]


def read_dsads(data: Data) -> Collection:
    """20 domains: body position x pair of subjects, 19 activities, 81 features."""
    windows = read_windows(data / "har-dsads/windows.csv")
    domains = []
    for position in POSITIONS:
        features = read_array(data / f"har-dsads/features_{position}.npy.gz")
        for pair in range(4):
            rows = (windows[:, 1] - 1) // 2 == pair
            labels = [ACTIVITIES[a - 1] for a in windows[rows, 0]]
            splits = split_in_time((windows[rows, 2] - 1) / SEGMENTS, (4 / 6, 5 / 6))
            domains.append(Domain(f"{position}{pair}", features[rows], labels, *splits))
    return Collection("dsads", "features", "classification", domains)


def read_dsads_windows(data: Data) -> Collection:
    """The same 20 domains as raw windows of 125 steps: accelerometer in m/s^2, gyroscope in rad/s."""
    windows = read_windows(data / "har-dsads/windows.csv")
    windows = windows[[int(line) for line in read_lines(data / "har-dsads/raw_rows.csv") if line.isdigit()]]
    domains = []
    for position in POSITIONS:
        raw = read_array(data / f"har-dsads/raw25hz_{position}.npy.gz").astype(np.float32)
        raw *= np.array(3 * [.004] + 3 * [.001], np.float32)
        for pair in range(4):
            rows = (windows[:, 1] - 1) // 2 == pair
            labels = [ACTIVITIES[a - 1] for a in windows[rows, 0]]
            splits = split_in_time((windows[rows, 2] - 1) / SEGMENTS, (4 / 6, 5 / 6))
            domains.append(Domain(f"{position}{pair}", raw[rows], labels, *splits))
    return Collection("dsads_windows", "series", "classification", domains)


def place_in_trial(windows: np.ndarray) -> np.ndarray:
    """Where each MotionSense window lies in its trial, from 0 to 1."""
    trials, which = np.unique(windows[:, :3], axis=0, return_inverse=True)
    lengths = np.array([windows[which == t, 3].max() + 1 for t in range(len(trials))])
    starts = np.array([windows[which == t, 3].min() for t in range(len(trials))])
    return (windows[:, 3] - starts[which]) / (lengths - starts)[which]


def motionsense_domains(data: Data) -> list[Domain]:
    """Triples of subjects."""
    windows = read_windows(data / "har-motionsense/windows.csv")
    features = read_array(data / "har-motionsense/features.npy.gz")
    place = place_in_trial(windows)
    domains = []
    for triple in range(8):
        rows = (windows[:, 1] - 1) // 3 == triple
        labels = [MOTIONSENSE[a] for a in windows[rows, 0]]
        domains.append(Domain(f"ms{triple}", features[rows], labels, *split_in_time(place[rows], (.6, .75))))
    return domains


def position_domains(data: Data) -> list[Domain]:
    """Positions of DSADS, with what MotionSense has, too."""
    windows = read_windows(data / "har-dsads/windows.csv")
    rows = np.isin(windows[:, 0], list(SHARED))
    domains = []
    for position in POSITIONS:
        features = read_array(data / f"har-dsads/features_{position}.npy.gz")[:, :SHARED_COLUMNS]
        labels = [SHARED[a] for a in windows[rows, 0]]
        splits = split_in_time((windows[rows, 2] - 1) / SEGMENTS, (.6, .75))
        domains.append(Domain(f"ds_{position}", features[rows], labels, *splits))
    return domains


def read_har_across(data: Data) -> Collection:
    """13 domains: MotionSense in triples of subjects, DSADS positions; six shared activities, 54 features."""
    domains = motionsense_domains(data) if data.has("har-motionsense") else []
    domains += position_domains(data) if data.has("har-dsads") else []
    return Collection("har_across", "features", "classification", domains)
