"""Similarity join: all pairs of nearly equal texts, found exactly, among a million texts."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_CHUNK = 11
"""Bits of the number of texts handled at a time."""
_MEETINGS = 1 << 17
"""Meetings handled at a time: with `_CHUNK` it bounds the memory that does not grow with the number of texts."""
_RARITY = 6
"""Bits for how rare a gram is: its count in half powers of two."""
_SLACK = 1e-9
"""More than a rounding error and less than one gram: with it no filter drops a pair that the last test would keep."""
_MIX, _REMIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd, their bits well mixed


def join(normals: Iterable[str], threshold: float, groups: Sequence[int]) -> Iterator[tuple[int, int, float]]:
    """All pairs i < j of texts of one group whose 3-gram Jaccard similarity reaches `threshold`, exactly, ordered by
    (j, i): `(0, 7, 0.91)`.

    A prefix-filter join with positions (PPJoin, Xiao et al. 2008): sort the grams of each text, rarest first. If two
    texts are similar, their first common gram stands so early in both that the grams from there on suffice for the
    overlap. Only texts that meet in such a gram are compared: first by signatures (bitmap filter, Sandes et al. 2017),
    then gram by gram. No filter drops a pair that is similar enough, so the result is exact.

    Args:
        normals: the texts, normalised; read once, and not held.
        threshold: above 0.0, at most 1.0.
        groups: the group of each text.
    """
    grams = _Grams(normals)
    group = np.array(groups, np.int64)
    company = np.bincount(group)[group] > 1 if len(group) else np.zeros(0, bool)
    compared = np.flatnonzero(company & (grams.lengths > 0))
    sizes, signatures, counts = _survey(grams, group, compared)
    text, rest, key = _prefixes(grams, group, compared, sizes, counts, threshold)
    # Sorted by gram, entries of one gram stand together. The sort is stable: within a gram they follow their texts.
    order = np.argsort(key, kind="stable")
    text, rest, key = text[order], rest[order], key[order]
    at = np.arange(len(key))
    begin = np.maximum.accumulate(np.where(np.append(True, key[1:] != key[:-1])[: len(key)], at, 0))
    del order, key
    probes = np.flatnonzero(at > begin)
    probes = probes[np.argsort(text[probes], kind="stable")]
    begin = begin[probes]
    for part in _slices(text[probes], probes - begin):
        i, j = _candidates(text, rest, probes[part], begin[part], sizes, group, threshold)
        both = sizes[i] + sizes[j]
        near = np.bitwise_count(signatures[i] ^ signatures[j]) <= both - 2 * _overlap(both, threshold)
        i, j, both = i[near], j[near], both[near]
        common = grams.common(i, j)
        alike = common / (both - common)
        near = alike >= threshold
        yield from zip(i[near].tolist(), j[near].tolist(), alike[near].tolist(), strict=True)


class _Grams:
    """The 3-grams of many texts as integers, computed for some texts at a time: all at once would fill the memory."""

    def __init__(self, normals: Iterable[str]) -> None:
        lengths, codes = array("q"), array("I")
        alphabet = np.zeros(0x110000, np.uint32)
        texts = iter(normals)
        while some := list(islice(texts, 1 << _CHUNK)):
            joined = "".join(some).encode("utf-32-le", "surrogatepass")
            alphabet[np.frombuffer(joined, np.uint32)] = 1
            lengths.extend(map(len, some))
            codes.frombytes(joined)
        codes.extend((0, 0))  # So that two characters follow the last one, too.
        self.lengths: Array = np.frombuffer(lengths, np.int64)
        self._starts: Array = np.cumsum(self.lengths) - self.lengths
        self._codes: Array = np.frombuffer(codes, np.uint32)
        rank = np.cumsum(alphabet, dtype=np.uint32)  # From 1 on: 0 means no character.
        for low in range(0, len(self._codes) - 2, 1 << 16):
            span = slice(low, min(low + (1 << 16), len(self._codes) - 2))
            self._codes[span] = rank[self._codes[span]]
        # A gram of the characters in use takes 21 to 54 bits; Unicode's letters and digits are fewer than 2 ** 18.
        self._char_bits = max(7, int(rank[-1]).bit_length())
        self.bits = 3 * self._char_bits
        self.chunk = 1 << min(_CHUNK, 63 - _RARITY - self.bits)

    def parts(self, ids: Array) -> Iterator[Array]:
        """`ids` in pieces that `sets` takes."""
        for low in range(0, len(ids), self.chunk):
            yield ids[low : low + self.chunk]

    def sets(self, ids: Array) -> Array:
        """The different grams of these texts, sorted: the text's place in `ids`, shifted by `bits`, and the gram.

        A text shorter than three characters is its own gram, as in `ngrams`.
        """
        lengths = self.lengths[ids]
        counts = np.maximum(lengths - 2, 1)
        owner = np.repeat(np.arange(len(ids)), counts)
        first = np.cumsum(counts) - counts
        at = np.arange(len(owner)) + (self._starts[ids] - first)[owner]
        grams = owner
        for n in range(3):
            code = self._codes[at + n].astype(np.int64)
            code[first[lengths <= n]] = 0  # Beyond the end of a short text.
            grams = grams << self._char_bits | code
        grams.sort()
        different: Array = grams[np.append(True, grams[1:] != grams[:-1])[: len(grams)]]
        return different

    def common(self, left: Array, right: Array) -> Array:
        """How many grams the texts `left[k]` and `right[k]` have in common."""
        counts = [np.zeros(0, np.int64)]
        for i, j in zip(self.parts(left), self.parts(right), strict=True):
            shared = np.intersect1d(self.sets(i), self.sets(j), assume_unique=True)
            counts.append(np.bincount(shared >> self.bits, minlength=len(i)))
        return np.concatenate(counts)


def _survey(grams: _Grams, group: Array, compared: Array) -> tuple[Array, Array, Array]:
    """The number of grams and the signature of each compared text, and the count of each gram, by `_bucket`.

    Each gram falls on one of the 64 bits of the signature, and a bit is the parity of its grams. So two signatures
    differ in at most as many bits as their texts differ in grams.
    """
    sizes = np.zeros(len(group), np.int64)
    signatures = np.zeros(len(group), np.uint64)
    tokens = int(grams.lengths[compared].sum())
    counts = np.zeros(1 << min(24, max(10, tokens.bit_length())), np.int32)
    for ids in grams.parts(compared):
        own = grams.sets(ids)
        owner, gram = own >> grams.bits, own & ((1 << grams.bits) - 1)
        sizes[ids] = np.bincount(owner, minlength=len(ids))
        # A plain 1 instead of np.int32(1) takes 16 times as long.
        np.add.at(counts, _bucket(_key(gram, group[ids][owner]), counts), np.int32(1))
        bit = np.uint64(1) << (gram.astype(np.uint64) * _REMIX >> np.uint64(58))
        signatures[ids] = np.bitwise_xor.reduceat(bit, np.cumsum(sizes[ids]) - sizes[ids])
    return sizes, signatures, counts


def _prefixes(
    grams: _Grams, group: Array, compared: Array, sizes: Array, counts: Array, threshold: float
) -> tuple[Array, Array, Array]:
    """The grams in which texts can meet: the text of each, how many grams of it stand from there on, and its key."""
    lengths = sizes - np.ceil(threshold * sizes - _SLACK).astype(np.int64) + 1
    texts, rests, keys = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.uint64)]
    for ids in grams.parts(compared):
        own = grams.sets(ids)
        owner, gram = own >> grams.bits, own & ((1 << grams.bits) - 1)
        count = counts[_bucket(_key(gram, group[ids][owner]), counts)]
        rarity = (2 * np.log2(count)).astype(np.int64)
        own = np.sort((owner << _RARITY | rarity) << grams.bits | gram)
        owner, gram = own >> (grams.bits + _RARITY), own & ((1 << grams.bits) - 1)
        place = np.arange(len(owner)) - (np.cumsum(sizes[ids]) - sizes[ids])[owner]
        early = place < lengths[ids][owner]
        owner, gram, place = owner[early], gram[early], place[early]
        texts.append(ids[owner].astype(np.int32))
        rests.append((sizes[ids][owner] - place).astype(np.int32))
        keys.append(_key(gram, group[ids][owner]))
    return np.concatenate(texts), np.concatenate(rests), np.concatenate(keys)


def _key(gram: Array, group: Array) -> Array:
    """A gram and its group in 64 bits: within a group different grams have different keys, across groups nearly all."""
    key: Array = (gram.astype(np.uint64) + group.astype(np.uint64) * _REMIX) * _MIX
    return key


def _bucket(key: Array, counts: Array) -> Array:
    """Where a key is counted. Keys may share a place: the order of rarity must be the same for all, but not exact."""
    bits = len(counts).bit_length() - 1
    bucket: Array = (key * _REMIX >> np.uint64(64 - bits)).astype(np.int64)
    return bucket


def _overlap(both: Array, threshold: float) -> Array:
    """How many grams two texts with `both` grams together must share to be similar enough."""
    overlap: Array = np.ceil(both * (threshold / (1 + threshold)) - _SLACK).astype(np.int64)
    return overlap


def _slices(text: Array, meetings: Array) -> Iterator[slice]:
    """Probes in pieces of about `_MEETINGS` meetings; the probes of one text stay in one piece."""
    ends = np.append(np.flatnonzero(text[1:] != text[:-1]) + 1, len(text)) if len(text) else np.zeros(0, np.int64)
    done = np.cumsum(meetings)[ends - 1]
    low = last = 0
    while last < len(ends):
        before = int(done[last - 1]) if last else 0
        last = max(last + 1, int(np.searchsorted(done, before + _MEETINGS, "right")))
        yield slice(low, int(ends[last - 1]))
        low = int(ends[last - 1])


def _candidates(
    text: Array, rest: Array, probes: Array, begin: Array, sizes: Array, group: Array, threshold: float
) -> tuple[Array, Array]:
    """Pairs i < j of texts that meet in a gram early enough, each once, ordered by (j, i).

    Args:
        text, rest: of every entry, in the order of the keys.
        probes, begin: entries, and where the entries with the same key begin: a probe meets all from there on.
    """
    meetings = probes - begin
    probe = np.repeat(probes, meetings)
    met = np.arange(len(probe)) + np.repeat(begin - np.cumsum(meetings) + meetings, meetings)
    i, j = text[met].astype(np.int64), text[probe].astype(np.int64)
    close = np.minimum(rest[met], rest[probe]) >= _overlap(sizes[i] + sizes[j], threshold)
    i, j = i[close], j[close]
    alike = group[i] == group[j]
    pairs = np.unique(j[alike] << 32 | i[alike])
    return pairs & 0xFFFFFFFF, pairs >> 32
