/**
 * Ordinary noise in every real incident: application errors on one route, 404s, clients that give up, a slow report.
 */
import type { Row } from '../support/simulator/row.ts';
import type { Incident } from './incident.ts';

/** Of the requests. */
const SHARE_OF_500 = 0.0006;
const [FEWEST_500, NOT_FOUND, GIVEN_UP, SLOW] = [3, 20, 6, 3];

/** The incident with ordinary noise. Where nothing fails at all, errors of the application would be the incident: they are left out. */
export const withNoise = (incident: Incident, isSound: boolean): Incident => ({
  ...incident,
  noise: (rows) => noiseOf(rows, isSound),
});

function noiseOf(rows: readonly Row[], isSound: boolean): Row[] {
  const answered = rows.filter(
    ({ targetStatus, target }) => target !== null && targetStatus !== null && targetStatus < 400,
  );
  const errors = isSound ? 0 : Math.max(FEWEST_500, Math.round(SHARE_OF_500 * rows.length));
  return [
    ...spread(answered, errors).map((row, index) => besideOf(row, `5${index}`, 'POST', '/telemetry', { status: 500 })),
    ...spread(answered, NOT_FOUND).map((row, index) =>
      besideOf(row, `4${index}`, 'GET', '/wp-login.php', { status: 404 }),
    ),
    ...spread(answered, GIVEN_UP).map((row, index) =>
      besideOf(row, `6${index}`, 'GET', '/export', { status: 460, seconds: 8 }),
    ),
    ...spread(answered, SLOW).map((row, index) =>
      besideOf(row, `2${index}`, 'POST', '/month-end', { status: 200, seconds: 24 }),
    ),
  ];
}

/** So many rows, evenly over all of them. */
function spread(rows: readonly Row[], count: number): Row[] {
  return Array.from(
    { length: rows.length === 0 ? 0 : count },
    (_, index) => rows[Math.floor(((index + 0.5) * rows.length) / count)],
  ).filter((row): row is Row => row !== undefined);
}

/** A request of another client to the target that answered `row`, just after it. */
function besideOf(
  row: Row,
  key: string,
  method: string,
  path: string,
  { status, seconds = 0.03 }: { status: number; seconds?: number },
): Row {
  const created = row.time + 3;
  const time = created + 1000 * seconds;
  const isGivenUp = status === 460;
  return {
    ...row,
    created,
    time,
    client: `198.51.100.${17 + (key.length % 3)}:${40_000 + Number(key)}`,
    requestProcessing: 0,
    targetProcessing: isGivenUp ? -1 : seconds,
    responseProcessing: isGivenUp ? -1 : 0,
    elbStatus: status,
    targetStatus: isGivenUp ? null : status,
    method,
    url: new URL(path, row.url).href.replace(
      /^(https?:\/\/[^/:]+)(?=\/)/,
      row.url.match(/^https?:\/\/[^/]+/)?.[0] ?? '$1',
    ),
    route: `${method} ${path}`,
    traceId: `Root=1-${key.padStart(8, '0')}-aaaaaaaaaaaaaaaa${key.padStart(8, '0')}`,
    connectionId: `TID_${key.padStart(8, '0')}`,
    truth: status >= 500 ? { cause: 'target-generated', signature: 'target-response' } : null,
    connection: 'opened',
    idleSeconds: null,
  };
}
