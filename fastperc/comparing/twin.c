/* One epoch of a dense network, one update per sample, as a careful hand writes it in C: the twin of
 * fastperc's online kernel. Compiled with -DREAL=float or -DREAL=double.
 *
 * theta: layer by layer W (n_in, n_out) in C order, then b. a and d: as many elements as there are
 * inputs and units, outputs and deltas of all layers. codes: 0 identity, 1 sigmoid, 2 tanh, 3 relu.
 * The loss is half the squared error, or with `matched` one whose last delta is p - y.
 */
#include <math.h>

static REAL activate(int code, REAL z)
{
    switch (code) {
    case 1: return 1 / (1 + (sizeof(REAL) == 4 ? expf(-z) : exp(-z)));
    case 2: return sizeof(REAL) == 4 ? tanhf(z) : tanh(z);
    case 3: return z > 0 ? z : 0;
    default: return z;
    }
}

static REAL slope(int code, REAL a)
{
    switch (code) {
    case 1: return a * (1 - a);
    case 2: return 1 - a * a;
    case 3: return a > 0;
    default: return 1;
    }
}

void epoch(const REAL *restrict X, const REAL *restrict Y, long n, const long *sizes, int n_layers,
           const int *codes, int matched, REAL *restrict theta, REAL lr, REAL *restrict a,
           REAL *restrict d)
{
    for (long row = 0; row < n; row++) {
        const REAL *x = X + row * sizes[0];
        long w = 0, u = 0; /* where this layer's weights and its inputs begin */
        for (long i = 0; i < sizes[0]; i++)
            a[i] = x[i];
        for (int k = 0; k < n_layers; k++) {
            long n_in = sizes[k], n_out = sizes[k + 1];
            const REAL *W = theta + w, *b = W + n_in * n_out, *in = a + u;
            REAL *out = a + u + n_in;
            for (long j = 0; j < n_out; j++)
                out[j] = b[j];
            for (long i = 0; i < n_in; i++)
                for (long j = 0; j < n_out; j++)
                    out[j] += in[i] * W[i * n_out + j];
            for (long j = 0; j < n_out; j++)
                out[j] = activate(codes[k], out[j]);
            w += (n_in + 1) * n_out;
            u += n_in;
        }
        for (long j = 0; j < sizes[n_layers]; j++) {
            REAL p = a[u + j], e = p - Y[row * sizes[n_layers] + j];
            d[u + j] = matched ? e : e * slope(codes[n_layers - 1], p);
        }
        for (int k = n_layers - 1; k >= 0; k--) {
            long n_in = sizes[k], n_out = sizes[k + 1];
            w -= (n_in + 1) * n_out;
            const REAL *delta = d + u;
            u -= n_in;
            REAL *W = theta + w, *b = W + n_in * n_out;
            for (long i = 0; i < n_in; i++) {
                REAL back = 0, step = lr * a[u + i];
                for (long j = 0; j < n_out; j++) {
                    back += W[i * n_out + j] * delta[j];
                    W[i * n_out + j] -= step * delta[j];
                }
                if (k > 0)
                    d[u + i] = back * slope(codes[k - 1], a[u + i]);
            }
            for (long j = 0; j < n_out; j++)
                b[j] -= lr * delta[j];
        }
    }
}
