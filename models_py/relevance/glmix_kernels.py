"""Compiled loops of GLMix: Newton's method for many small penalised logistic regressions.

Everywhere, entity e owns the rows ptr[e]:ptr[e + 1] of a CSR design (indptr, position, value), sorted by entity, and
the coefficients first[e]:first[e + 1] of theta; `position` points into theta, ascending in each row. rows[i] is the
place of row i in y, weight and z, the arrays of the whole problem; z holds the logits with every effect in and is
updated in place.

Nothing is compiled on import; the first call compiles, the cache on disk serves every later process.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

FAST = {"contract", "nsz", "reassoc", "arcp"}
LANES = (
    32  # entities that advance together; given at run time: as a constant the compiler unrolls it and leaves it scalar
)
DENSE = 64  # coefficients up to which a row is spread out before it is multiplied with itself
VECTOR = 8  # doubles
TRIES = 40  # halvings of a step, at most
ROUNDING = 1e-14
FLATTEST = 1e-10  # curvature of a row that a step counts with, at least
TINY = 1e-150


@intrinsic
def _as_double(typing, bits):
    """The double whose bits are an int64."""
    return types.float64(types.int64), lambda context, builder, signature, args: builder.bitcast(
        args[0], ir.DoubleType()
    )


@njit(fastmath=FAST, inline="always")
def _exp(x):
    """exp to about 1e-13 relative, in a form that vectorises: 2^k times a polynomial."""
    x = min(max(x, -700.0), 700.0)
    k = np.floor(x * 1.4426950408889634 + 0.5)
    r = x - k * 0.693147180369123816490 - k * 1.90821492927058770002e-10
    p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 0.0001984126984126984
    p = p * r + 0.001388888888888889
    p = p * r + 0.008333333333333333
    p = p * r + 0.041666666666666664
    p = p * r + 0.16666666666666666
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * _as_double((np.int64(k) + 1023) << 52)


@njit(nogil=True, cache=True)
def localise(ptr, indptr, column, columns, position, first, owner_column):
    """Numbers the columns that each entity has: fills position, first and owner_column, returns their count."""
    seen = np.full(columns, -1, np.int64)
    place = np.empty(columns, np.int64)
    count = 0
    for e in range(len(ptr) - 1):
        first[e] = count
        for k in range(indptr[ptr[e]], indptr[ptr[e + 1]]):
            j = column[k]
            if seen[j] != e:
                seen[j] = e
                place[j] = count
                owner_column[count] = j
                count += 1
            position[k] = place[j]
    first[len(ptr) - 1] = count
    return count


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def solve_in_sample_space(
    batch, ptr, indptr, position, value, rows, y, weight, z, first, ridge, theta, lanes, steps, tolerance
):
    """Newton steps of the entities of `batch` (ascending in rows, padded with -1), each in the space of its rows.

    With K = X R^-1 X' (R the ridge) a Newton step is theta' = R^-1 X'a for the solution a of an n x n system, whatever
    theta was; `lanes` entities of about equal n go through it side by side. Right for n <= columns, ridge > 0.
    """
    cut = 0
    widest = 0
    for e in batch:
        if e >= 0:
            cut = max(cut, ptr[e + 1] - ptr[e])
            widest = max(widest, first[e + 1] - first[e])
    kernel = np.zeros((cut, cut, lanes))
    factor = np.empty((cut, cut, lanes))
    offset = np.empty((cut, lanes))
    label = np.empty((cut, lanes))
    share = np.empty((cut, lanes))
    u = np.empty((cut, lanes))
    a = np.empty((cut, lanes))
    p = np.empty((cut, lanes))
    p_new = np.empty((cut, lanes))
    root = np.empty((cut, lanes))
    a_new = np.empty((cut, lanes))
    u_new = np.empty((cut, lanes))
    norm = np.empty(lanes)  # theta' R theta
    kept = np.empty(lanes)  # how much of the first theta is left
    slope = np.empty(lanes)
    length = np.empty(lanes)
    u_a = np.empty(lanes)
    un_a = np.empty(lanes)
    total = np.empty(lanes)
    scattered = np.zeros(widest)
    for start in range(0, len(batch), lanes):
        n = 0
        for lane in range(lanes):
            e = batch[start + lane]
            if e >= 0:
                n = max(n, ptr[e + 1] - ptr[e])
        for i in range(n):
            for lane in range(lanes):
                offset[i, lane] = 0.0
                label[i, lane] = 0.5
                share[i, lane] = 0.0
                u[i, lane] = 0.0
                a[i, lane] = 0.0
            for k in range(n):
                for lane in range(lanes):
                    kernel[i, k, lane] = 0.0
        for lane in range(lanes):
            norm[lane] = 0.0
            kept[lane] = 1.0
            e = batch[start + lane]
            if e < 0:
                continue
            t = first[e]
            for j in range(t, first[e + 1]):
                norm[lane] += ridge[j] * theta[j] * theta[j]
            for i in range(ptr[e + 1] - ptr[e]):
                row = ptr[e] + i
                known = 0.0
                for k in range(indptr[row], indptr[row + 1]):
                    j = position[k]
                    scattered[j - t] = value[k] / ridge[j]
                    known += value[k] * theta[j]
                u[i, lane] = known
                offset[i, lane] = z[rows[row]] - known
                label[i, lane] = y[rows[row]]
                share[i, lane] = weight[rows[row]]
                for other in range(i + 1):
                    dot = 0.0
                    for k in range(indptr[ptr[e] + other], indptr[ptr[e] + other + 1]):
                        dot += scattered[position[k] - t] * value[k]
                    kernel[i, other, lane] = dot
                    kernel[other, i, lane] = dot
                for k in range(indptr[row], indptr[row + 1]):
                    scattered[position[k] - t] = 0.0
        for i in range(n):
            for lane in range(lanes):
                p[i, lane] = 1.0 / (1.0 + _exp(-(offset[i, lane] + u[i, lane])))
        for _ in range(steps):
            for i in range(n):
                for lane in range(lanes):
                    w = share[i, lane] * max(p[i, lane] * (1.0 - p[i, lane]), FLATTEST)
                    root[i, lane] = np.sqrt(w)
                    b = w * u[i, lane] - share[i, lane] * (p[i, lane] - label[i, lane])
                    a_new[i, lane] = b / max(root[i, lane], TINY)
            for i in range(n):
                for k in range(i):
                    for lane in range(lanes):
                        factor[i, k, lane] = root[i, lane] * kernel[i, k, lane] * root[k, lane]
                for lane in range(lanes):
                    factor[i, i, lane] = 1.0 + root[i, lane] * root[i, lane] * kernel[i, i, lane]
            # Cholesky, column by column, the forward substitution with it; the diagonal keeps reciprocals
            for j in range(n):
                for lane in range(lanes):
                    inverse = 1.0 / np.sqrt(factor[j, j, lane])
                    factor[j, j, lane] = inverse
                    a_new[j, lane] *= inverse
                for i in range(j + 1, n):
                    for lane in range(lanes):
                        factor[i, j, lane] *= factor[j, j, lane]
                        a_new[i, lane] -= factor[i, j, lane] * a_new[j, lane]
                    for k in range(j + 1, i + 1):
                        for lane in range(lanes):
                            factor[i, k, lane] -= factor[i, j, lane] * factor[k, j, lane]
            for i in range(n - 1, -1, -1):
                for lane in range(lanes):
                    a_new[i, lane] *= factor[i, i, lane]
                for k in range(i):
                    for lane in range(lanes):
                        a_new[k, lane] -= factor[i, k, lane] * a_new[i, lane]
            for lane in range(lanes):
                slope[lane] = norm[lane]
                u_a[lane] = 0.0
                un_a[lane] = 0.0
            for i in range(n):
                for lane in range(lanes):
                    a_new[i, lane] *= root[i, lane]
            for i in range(n):
                for lane in range(lanes):
                    total[lane] = 0.0
                for k in range(n):
                    for lane in range(lanes):
                        total[lane] += kernel[i, k, lane] * a_new[k, lane]
                for lane in range(lanes):
                    u_new[i, lane] = total[lane]
                    residual = share[i, lane] * (p[i, lane] - label[i, lane])
                    slope[lane] += residual * (u[i, lane] - total[lane]) - u[i, lane] * a_new[i, lane]
                    u_a[lane] += u[i, lane] * a_new[i, lane]
                    un_a[lane] += total[lane] * a_new[i, lane]
            largest = 0.0
            for lane in range(lanes):
                length[lane] = 1.0
                largest = max(largest, slope[lane])
            # the slope at the end of the step tells whether it went too far: no objective is needed
            for _ in range(TRIES):
                for lane in range(lanes):
                    total[lane] = (1.0 - length[lane]) * (u_a[lane] - norm[lane]) + length[lane] * (
                        un_a[lane] - u_a[lane]
                    )
                for i in range(n):
                    for lane in range(lanes):
                        logit = offset[i, lane] + u[i, lane] + length[lane] * (u_new[i, lane] - u[i, lane])
                        p_new[i, lane] = 1.0 / (1.0 + _exp(-logit))
                        total[lane] += (
                            share[i, lane] * (p_new[i, lane] - label[i, lane]) * (u_new[i, lane] - u[i, lane])
                        )
                too_far = 0
                for lane in range(lanes):
                    if total[lane] > 0.5 * slope[lane] + ROUNDING:
                        length[lane] *= min(slope[lane] / (slope[lane] + total[lane]), 0.5)
                        too_far += 1
                if too_far == 0:
                    break
            for i in range(n):
                for lane in range(lanes):
                    a[i, lane] += length[lane] * (a_new[i, lane] - a[i, lane])
                    u[i, lane] += length[lane] * (u_new[i, lane] - u[i, lane])
                    p[i, lane] = p_new[i, lane]
            for lane in range(lanes):
                s = length[lane]
                norm[lane] = (1.0 - s) * (1.0 - s) * norm[lane] + 2.0 * s * (1.0 - s) * u_a[lane] + s * s * un_a[lane]
                kept[lane] *= 1.0 - s
            if largest < tolerance:
                break
        for lane in range(lanes):
            e = batch[start + lane]
            if e < 0:
                continue
            for j in range(first[e], first[e + 1]):
                theta[j] *= kept[lane]
            for i in range(ptr[e + 1] - ptr[e]):
                row = ptr[e] + i
                z[rows[row]] = offset[i, lane] + u[i, lane]
                for k in range(indptr[row], indptr[row + 1]):
                    theta[position[k]] += a[i, lane] * value[k] / ridge[position[k]]


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def add_hessian(low, high, indptr, position, value, curvature, base, t, hessian):
    """hessian (lower triangle) += sum of curvature x x' over the rows low:high, for coefficients from t on; curvature
    begins at row `base`."""
    for row in range(low, high):
        w = curvature[row - base]
        for k in range(indptr[row], indptr[row + 1]):
            j = position[k] - t
            scaled = w * value[k]
            for other in range(indptr[row], k + 1):
                hessian[j, position[other] - t] += scaled * value[other]


@njit(fastmath=FAST, error_model="numpy")
def _factorise(h, m):
    """Lower triangle of h -> its Cholesky factor, reciprocals on the diagonal."""
    for j in range(m):
        inverse = 1.0 / np.sqrt(h[j, j])
        h[j, j] = inverse
        for i in range(j + 1, m):
            h[i, j] *= inverse
        for i in range(j + 1, m):
            c = h[i, j]
            for k in range(j + 1, i + 1):
                h[i, k] -= c * h[k, j]


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def solve_in_coefficient_space(
    batch, ptr, indptr, position, value, rows, y, weight, z, first, ridge, theta, steps, tolerance
):
    """Newton steps of the entities of `batch`, one after the other, each with the Hessian of its coefficients."""
    widest = 0
    longest = 0
    for e in batch:
        widest = max(widest, first[e + 1] - first[e])
        longest = max(longest, ptr[e + 1] - ptr[e])
    padded = (widest + VECTOR - 1) // VECTOR * VECTOR
    upper = np.empty((widest, padded))
    left = np.zeros(padded)
    right = np.zeros(padded)
    curvature = np.empty(longest)
    gradient = np.empty(widest)
    move = np.empty(widest)
    logit = np.empty(longest)
    p = np.empty(longest)
    change = np.empty(longest)
    for e in batch:
        t = first[e]
        m = first[e + 1] - t
        n = ptr[e + 1] - ptr[e]
        width = (m + VECTOR - 1) // VECTOR * VECTOR
        for i in range(n):
            logit[i] = z[rows[ptr[e] + i]]
        for i in range(n):
            p[i] = 1.0 / (1.0 + _exp(-logit[i]))
        for _ in range(steps):
            for j in range(m):
                gradient[j] = ridge[t + j] * theta[t + j]
                for k in range(width):
                    upper[j, k] = 0.0
                upper[j, j] = ridge[t + j]
            for i in range(n):
                row = ptr[e] + i
                share = weight[rows[row]]
                residual = share * (p[i] - y[rows[row]])
                curvature[i] = share * p[i] * (1.0 - p[i])
                for k in range(indptr[row], indptr[row + 1]):
                    gradient[position[k] - t] += residual * value[k]
            if m <= DENSE:
                # two rows at a time, spread out: contiguous sums of whole vectors, scattered ones do not vectorise
                for i in range(0, n, 2):
                    row = ptr[e] + i
                    following = min(i + 1, n - 1)
                    for k in range(indptr[row], indptr[row + 1]):
                        left[position[k] - t] = value[k]
                    for k in range(indptr[ptr[e] + following], indptr[ptr[e] + following + 1]):
                        right[position[k] - t] = value[k]
                    left_share, right_share = curvature[i], curvature[following] if following > i else 0.0
                    for j in range(m):
                        c, d = left_share * left[j], right_share * right[j]
                        if c != 0.0 or d != 0.0:
                            for k in range(width):
                                upper[j, k] += c * left[k] + d * right[k]
                    for k in range(indptr[row], indptr[row + 1]):
                        left[position[k] - t] = 0.0
                    for k in range(indptr[ptr[e] + following], indptr[ptr[e] + following + 1]):
                        right[position[k] - t] = 0.0
            else:
                for i in range(n):
                    row = ptr[e] + i
                    for k in range(indptr[row], indptr[row + 1]):
                        c = curvature[i] * value[k]
                        for other in range(k, indptr[row + 1]):
                            upper[position[k] - t, position[other] - t] += c * value[other]
            # Cholesky by rows of the upper triangle, the forward substitution with it; rows from whole vectors on
            for j in range(m):
                move[j] = gradient[j]
            for j in range(m):
                inverse = 1.0 / np.sqrt(upper[j, j])
                for k in range(j, width):
                    upper[j, k] *= inverse
                upper[j, j] = inverse
                move[j] *= inverse
                for i in range(j + 1, m):
                    c = upper[j, i]
                    if c != 0.0:
                        move[i] -= c * move[j]
                        for k in range(i - i % VECTOR, width):
                            upper[i, k] -= c * upper[j, k]
            for i in range(m - 1, -1, -1):
                total = move[i]
                for k in range(i + 1, m):
                    total -= upper[i, k] * move[k]
                move[i] = total * upper[i, i]
            slope = 0.0
            for j in range(m):
                slope += gradient[j] * move[j]
            for i in range(n):
                row = ptr[e] + i
                total = 0.0
                for k in range(indptr[row], indptr[row + 1]):
                    total -= value[k] * move[position[k] - t]
                change[i] = total
            length = 1.0
            for _ in range(TRIES):
                for i in range(n):
                    p[i] = 1.0 / (1.0 + _exp(-(logit[i] + length * change[i])))
                end = 0.0
                for i in range(n):
                    row = ptr[e] + i
                    end += weight[rows[row]] * (p[i] - y[rows[row]]) * change[i]
                for j in range(m):
                    end -= ridge[t + j] * (theta[t + j] - length * move[j]) * move[j]
                if end <= 0.5 * slope + ROUNDING:
                    break
                length *= min(slope / (slope + end), 0.5)
            for i in range(n):
                logit[i] += length * change[i]
            for j in range(m):
                theta[t + j] -= length * move[j]
            if slope < tolerance:
                break
        for i in range(n):
            z[rows[ptr[e] + i]] = logit[i]


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def factorise(batch, ptr, indptr, position, value, curvature, first, ridge, at, factors):
    """Cholesky factors of the Hessians of the entities of `batch`, each m x m from factors[at[e]] on; curvature by row
    of the design."""
    for e in batch:
        t = first[e]
        m = first[e + 1] - t
        h = factors[at[e] : at[e] + m * m].reshape(m, m)
        h[:] = 0.0
        for j in range(m):
            h[j, j] = ridge[t + j]
        base = np.int64(0)  # a literal is a type of its own, to be compiled for
        add_hessian(ptr[e], ptr[e + 1], indptr, position, value, curvature, base, t, h)
        _factorise(h, m)


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def solve_factorised(batch, first, at, factors, r, out):
    """out = H^-1 r for the coefficients of the entities of `batch`."""
    for e in batch:
        t = first[e]
        m = first[e + 1] - t
        h = factors[at[e] : at[e] + m * m].reshape(m, m)
        for j in range(m):
            total = r[t + j]
            for k in range(j):
                total -= h[j, k] * out[t + k]
            out[t + j] = total * h[j, j]
        for j in range(m - 1, -1, -1):
            c = out[t + j] * h[j, j]
            out[t + j] = c
            for k in range(j):
                out[t + k] -= h[j, k] * c


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def variances(batch, ptr, indptr, position, value, curvature, first, ridge, result):
    """Diagonal of the inverse of each entity's Hessian; curvature by row of the design."""
    widest = 0
    for e in batch:
        widest = max(widest, first[e + 1] - first[e])
    column = np.empty(widest)
    factor = np.empty(widest * widest)
    at = np.zeros(len(ptr), np.int64)
    for e in batch:
        t = first[e]
        m = first[e + 1] - t
        one = np.array([e])
        factorise(one, ptr, indptr, position, value, curvature, first, ridge, at, factor)
        h = factor[: m * m].reshape(m, m)
        # column j of the inverse factor: the sum of its squares is the variance of coefficient j
        for j in range(m):
            total = 0.0
            for i in range(j, m):
                s = 1.0 if i == j else 0.0
                for k in range(j, i):
                    s -= h[i, k] * column[k]
                column[i] = s * h[i, i]
                total += column[i] * column[i]
            result[t + j] = total
