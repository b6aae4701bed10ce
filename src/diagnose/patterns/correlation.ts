/** Tests whether the error rate follows the traffic, minute by minute. */

export interface Minute {
  requests: number;
  errors: number;
}

/** Why minutes show no correlation: fewer minutes, fewer errors or nearly constant traffic make it meaningless. */
export type Incomparable = 'few minutes' | 'few errors' | 'steady traffic';

const MIN_MINUTES = 10;
const MIN_ERRORS = 20;
const MIN_VARIATION = 1.5;

/** Pearson's r between requests and the share that failed. */
export function correlation(minutes: readonly Minute[]): number | Incomparable {
  const busy = minutes.filter(({ requests }) => requests > 0);
  const total = busy.reduce((sum, { errors }) => sum + errors, 0);
  const volumes = busy.map(({ requests }) => requests);
  if (total < MIN_ERRORS) return 'few errors';
  if (busy.length < MIN_MINUTES) return 'few minutes';
  if (Math.max(...volumes) < MIN_VARIATION * Math.min(...volumes)) return 'steady traffic';
  const rates = busy.map(({ requests, errors }) => errors / requests);
  return pearson(volumes, rates) ?? 'steady traffic';
}

function pearson(xs: number[], ys: number[]): number | null {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(xs), mean(ys)];
  let [xy, xx, yy] = [0, 0, 0];
  xs.forEach((value, i) => {
    const [dx, dy] = [value - x, (ys[i] ?? 0) - y];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  });
  return xx === 0 || yy === 0 ? null : xy / Math.sqrt(xx * yy);
}
