"""Compiled loops over the candidates of a shard of members.

Everywhere, member m owns the pairs offsets[m]:offsets[m + 1], whose course numbers `courses` ascend; rows of a sparse
matrix are (indptr, indices, values). Nothing is compiled on import; the first call compiles, the cache on disk serves
every later process.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

BUCKETS = 1024  # of scores, when the best are selected
VECTORISED = {"reassoc", "contract"}  # sums over columns in lanes


def read_only(array: NDArray) -> NDArray:
    """As arrays of Arrow are: a loop is compiled anew for those that may be written."""
    view = array.view()
    view.flags.writeable = False
    return view


@njit(nogil=True, cache=True)
def add_sparse_products(indptr, indices, values, by_term, postings, weights, offsets, courses, catalogue, out):
    """out[p] += row of the member . column of the course; the matrix as postings: term t has the courses
    postings[by_term[t]:by_term[t + 1]], ascending."""
    total = np.zeros(catalogue)
    for m in range(len(offsets) - 1):
        for k in range(indptr[m], indptr[m + 1]):
            value = values[k]
            for q in range(by_term[indices[k]], by_term[indices[k] + 1]):
                total[postings[q]] += value * weights[q]
        for p in range(offsets[m], offsets[m + 1]):
            out[p] += total[courses[p]]
        total[:] = 0.0


@njit(nogil=True, cache=True, fastmath=VECTORISED)
def add_dense_products(indptr, indices, values, place, matrix, offsets, courses, out):
    """The same with a dense matrix (courses, columns); `place` is the column of a term, or -1."""
    width = matrix.shape[1]
    row = np.zeros(width)
    for m in range(len(offsets) - 1):
        for k in range(indptr[m], indptr[m + 1]):
            if place[indices[k]] >= 0:
                row[place[indices[k]]] = values[k]
        for p in range(offsets[m], offsets[m + 1]):
            course = courses[p]
            total = 0.0
            for j in range(width):
                total += row[j] * matrix[course, j]
            out[p] += total
        row[:] = 0.0


@njit(nogil=True, cache=True)
def add_stored(stored_offsets, stored_courses, stored_terms, stored_values, weights, offsets, courses, catalogue, out):
    """out[p] += weights of what is stored of the pair, times its values; what is stored of other courses is passed."""
    place = np.full(catalogue, -1, np.int64)
    for m in range(len(offsets) - 1):
        for p in range(offsets[m], offsets[m + 1]):
            place[courses[p]] = p
        for k in range(stored_offsets[m], stored_offsets[m + 1]):
            p = place[stored_courses[k]]
            if p >= 0:
                out[p] += weights[stored_terms[k]] * stored_values[k]
        for p in range(offsets[m], offsets[m + 1]):
            place[courses[p]] = -1


@njit(nogil=True, cache=True)
def add_trees(roots, order, columns, thresholds, children, of_member, of_course, of_pair, offsets, courses, out):
    """out[p] += the sum of the trees' leaves for pair p. Node n goes to children[n, x > thresholds[n]], x the value of
    its column; a leaf goes to itself, so that a number of steps, without a branch, ends in one, and has its value as
    threshold. Columns are those of of_member (m, a), then of of_course (courses, b), then of of_pair (pairs, c);
    order : (nodes,) children before their parents.

    What asks for the member is answered once per member: `onward` leads from a node to the first below it that does
    not, and `steps` is how many of these are on the longest way to a leaf.
    """
    first, second = of_member.shape[1], of_member.shape[1] + of_course.shape[1]
    x = np.empty((np.max(np.diff(offsets)), second + of_pair.shape[1]))
    onward, steps = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    ways, nodes = np.empty((len(order), 2), np.int64), np.empty(len(x), np.int64)
    for m in range(len(offsets) - 1):
        start, size = offsets[m], offsets[m + 1] - offsets[m]
        for i in range(size):
            x[i, :first] = of_member[m]
            x[i, first:second] = of_course[courses[start + i]]
            x[i, second:] = of_pair[start + i]
        for node in order:
            left, right = children[node]
            if left == node:
                onward[node], steps[node] = node, 0
                ways[node, 0], ways[node, 1] = node, node
            elif columns[node] < first:
                child = children[node, np.int64(of_member[m, columns[node]] > thresholds[node])]
                onward[node], steps[node] = onward[child], steps[child]
            else:
                onward[node], steps[node] = node, 1 + max(steps[left], steps[right])
                ways[node, 0], ways[node, 1] = onward[left], onward[right]
        for root in roots:
            nodes[:size] = onward[root]
            for _ in range(steps[root]):
                for i in range(size):
                    node = nodes[i]
                    nodes[i] = ways[node, np.int64(x[i, columns[node]] > thresholds[node])]
            for i in range(size):
                out[start + i] += thresholds[nodes[i]]


@njit(nogil=True, cache=True)
def best_pairs(offsets, scores, keep, best):
    """Places of each member's `keep` best pairs, best first, one member behind the other, in `best`; equal scores in
    the order of the pairs. Returns how many each member has.

    A histogram of the scores finds the bucket of the last place; only what lies in it and above is sorted.
    """
    counts = np.empty(len(offsets) - 1, np.int64)
    histogram = np.empty(BUCKETS, np.int64)
    longest = np.max(np.diff(offsets))
    chosen, negative = np.empty(longest + 1, np.int64), np.empty(longest + 1)
    used = 0
    for m in range(len(offsets) - 1):
        first, last = offsets[m], offsets[m + 1]
        size = last - first
        lowest, bucket, scale = 0.0, 0, 0.0
        if size > keep:
            lowest, highest = scores[first], scores[first]
            for p in range(first, last):
                lowest = min(lowest, scores[p])
                highest = max(highest, scores[p])
            if highest > lowest:
                scale = (BUCKETS - 1) / (highest - lowest)
            histogram[:] = 0
            for p in range(first, last):
                histogram[int((scores[p] - lowest) * scale)] += 1
            bucket, above = BUCKETS - 1, histogram[BUCKETS - 1]
            while above < keep:
                bucket -= 1
                above += histogram[bucket]
        count = 0
        for p in range(first, last):  # without a branch: which pairs are among the best cannot be guessed
            chosen[count] = p
            negative[count] = -scores[p]
            count += np.int64(np.int64((scores[p] - lowest) * scale) >= bucket)
        order = np.argsort(negative[:count])
        for place in range(1, count):  # equal scores in the order of the pairs
            one = order[place]
            at = place
            while at > 0 and negative[order[at - 1]] == negative[one] and order[at - 1] > one:
                order[at] = order[at - 1]
                at -= 1
            order[at] = one
        counts[m] = min(count, keep)
        for place in range(counts[m]):
            best[used + place] = chosen[order[place]]
        used += counts[m]
    return counts
