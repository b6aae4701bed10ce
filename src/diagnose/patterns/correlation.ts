/** Tests whether the error rate follows the traffic, minute by minute. */

export interface Minute {
  requests: number;
  errors: number;
}

/** Fewer minutes, fewer errors, or nearly constant traffic give meaningless correlations. */
const MIN_MINUTES = 10;
const MIN_ERRORS = 20;
const MIN_VARIATION = 1.5;

/** Pearson's r between requests and the share that failed; null if there is too little data. */
export function correlation(minutes: readonly Minute[]): number | null {
  const busy = minutes.filter(({ requests }) => requests > 0);
  const total = busy.reduce((sum, { errors }) => sum + errors, 0);
  const volumes = busy.map(({ requests }) => requests);
  if (busy.length < MIN_MINUTES || total < MIN_ERRORS) return null;
  if (Math.max(...volumes) < MIN_VARIATION * Math.min(...volumes)) return null;
  return pearson(
    volumes,
    busy.map(({ requests, errors }) => errors / requests),
  );
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
