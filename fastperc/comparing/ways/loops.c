/* A dense network as a careful hand writes it in C: the same tasks as fastperc's kernels.
 * Compiled with -DREAL=float or -DREAL=double.
 *
 * theta: layer by layer W (n_in, n_out) in C order, then b; a gradient likewise. a and d: as many
 * elements as there are inputs and units, outputs and deltas of all layers. codes: 0 identity,
 * 1 sigmoid, 2 tanh, 3 relu. The loss is half the squared error, or with `matched` one whose last
 * delta is p - y.
 */
#include <math.h>

typedef struct {
    long n_layers;
    const long *sizes;
    const int *codes;
    int matched;
} network;

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

static long n_parameters(const network *net)
{
    long n = 0;
    for (long k = 0; k < net->n_layers; k++)
        n += (net->sizes[k] + 1) * net->sizes[k + 1];
    return n;
}

/* One sample's outputs; returns where in `a` those of the last layer begin. */
static inline long pass(const network *net, const REAL *restrict x, const REAL *restrict theta,
                        REAL *restrict a)
{
    long w = 0, u = 0; /* where this layer's weights and its inputs begin */
    for (long i = 0; i < net->sizes[0]; i++)
        a[i] = x[i];
    for (long k = 0; k < net->n_layers; k++) {
        long n_in = net->sizes[k], n_out = net->sizes[k + 1];
        const REAL *W = theta + w, *b = W + n_in * n_out, *in = a + u;
        REAL *out = a + u + n_in;
        for (long j = 0; j < n_out; j++)
            out[j] = b[j];
        for (long i = 0; i < n_in; i++)
            for (long j = 0; j < n_out; j++)
                out[j] += in[i] * W[i * n_out + j];
        for (long j = 0; j < n_out; j++)
            out[j] = activate(net->codes[k], out[j]);
        w += (n_in + 1) * n_out;
        u += n_in;
    }
    return u;
}

/* The deltas of the last layer, whose outputs begin at u. */
static inline void begin_back(const network *net, const REAL *restrict y, const REAL *restrict a,
                              long u, REAL *restrict d)
{
    for (long j = 0; j < net->sizes[net->n_layers]; j++) {
        REAL p = a[u + j], e = p - y[j];
        d[u + j] = net->matched ? e : e * slope(net->codes[net->n_layers - 1], p);
    }
}

/* One update per sample. */
void epoch(const network *net, const REAL *restrict X, const REAL *restrict Y, long n,
           REAL *restrict theta, REAL lr, REAL *restrict a, REAL *restrict d)
{
    const long *sizes = net->sizes, last = net->n_layers, n_theta = n_parameters(net);
    for (long row = 0; row < n; row++) {
        long w = n_theta, u = pass(net, X + row * sizes[0], theta, a);
        begin_back(net, Y + row * sizes[last], a, u, d);
        for (long k = last - 1; k >= 0; k--) {
            long n_in = sizes[k], n_out = sizes[k + 1];
            const REAL *delta = d + u;
            w -= (n_in + 1) * n_out;
            u -= n_in;
            REAL *W = theta + w, *b = W + n_in * n_out;
            for (long i = 0; i < n_in; i++) {
                REAL back = 0, step = lr * a[u + i];
                for (long j = 0; j < n_out; j++) {
                    back += W[i * n_out + j] * delta[j];
                    W[i * n_out + j] -= step * delta[j];
                }
                if (k > 0)
                    d[u + i] = back * slope(net->codes[k - 1], a[u + i]);
            }
            for (long j = 0; j < n_out; j++)
                b[j] -= lr * delta[j];
        }
    }
}

/* The gradient of the mean loss of all samples. */
void gradient(const network *net, const REAL *restrict X, const REAL *restrict Y, long n,
              const REAL *restrict theta, REAL *restrict g, REAL *restrict a, REAL *restrict d)
{
    const long *sizes = net->sizes, last = net->n_layers, n_theta = n_parameters(net);
    for (long i = 0; i < n_theta; i++)
        g[i] = 0;
    for (long row = 0; row < n; row++) {
        long w = n_theta, u = pass(net, X + row * sizes[0], theta, a);
        begin_back(net, Y + row * sizes[last], a, u, d);
        for (long k = last - 1; k >= 0; k--) {
            long n_in = sizes[k], n_out = sizes[k + 1];
            const REAL *delta = d + u;
            w -= (n_in + 1) * n_out;
            u -= n_in;
            const REAL *W = theta + w;
            REAL *gW = g + w, *gb = gW + n_in * n_out;
            for (long i = 0; i < n_in; i++) {
                REAL back = 0;
                for (long j = 0; j < n_out; j++) {
                    back += W[i * n_out + j] * delta[j];
                    gW[i * n_out + j] += a[u + i] * delta[j];
                }
                if (k > 0)
                    d[u + i] = back * slope(net->codes[k - 1], a[u + i]);
            }
            for (long j = 0; j < n_out; j++)
                gb[j] += delta[j];
        }
    }
    for (long i = 0; i < n_theta; i++)
        g[i] /= n;
}

/* One update per `size` samples, of which the last may be fewer. */
void batches(const network *net, const REAL *restrict X, const REAL *restrict Y, long n, long size,
             REAL *restrict theta, REAL lr, REAL *restrict g, REAL *restrict a, REAL *restrict d)
{
    const long n_theta = n_parameters(net);
    for (long row = 0; row < n; row += size) {
        long rows = n - row < size ? n - row : size;
        gradient(net, X + row * net->sizes[0], Y + row * net->sizes[net->n_layers], rows, theta, g,
                 a, d);
        for (long i = 0; i < n_theta; i++)
            theta[i] -= lr * g[i];
    }
}

/* The outputs of all samples. */
void forward(const network *net, const REAL *restrict X, long n, const REAL *restrict theta,
             REAL *restrict out, REAL *restrict a)
{
    const long *sizes = net->sizes, n_out = sizes[net->n_layers];
    for (long row = 0; row < n; row++) {
        long u = pass(net, X + row * sizes[0], theta, a);
        for (long j = 0; j < n_out; j++)
            out[row * n_out + j] = a[u + j];
    }
}
