/** Counts failed requests outside the question: the application's own errors, and failures caused by clients. */
import { statusMatcher } from '../evidence/statuses.ts';
import type { Diagnosis, StatusBeside } from './diagnosis.ts';
import { requestsAllAnswered400 } from './patterns/bad-request-groups.ts';
import { signature } from './signature.ts';
import { groupBy, type Traffic, targetGroupName } from './traffic.ts';

type Beside = Diagnosis['beside'];

export const NOTHING_BESIDE: Beside = { targetMade: {}, clientClosed: 0, statuses: [], badRequestGroups: [] };

const ROUTES = 3;
const isTargetMade = statusMatcher(['target-5xx', 'target-4xx']);

export function besideOf(traffic: Traffic): Beside {
  const statuses = statusesBeside(traffic);
  return {
    targetMade: Object.fromEntries(
      statuses
        .filter(({ madeBy }) => madeBy === 'target')
        .map(({ status, requests }): [string, number] => [status, requests])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
    clientClosed: traffic.log.failureShapes.reduce(
      (sum, shape) => sum + (shape.elb_status_code === '460' ? shape.count : 0),
      0,
    ),
    statuses,
    badRequestGroups: badRequestGroups(traffic),
  };
}

/** On a 460 the client closed first, so its target status does not show who caused it. */
const makerOf = (entry: { elb_status_code: string; target_status_code: string }): StatusBeside['madeBy'] =>
  isTargetMade(entry) && entry.elb_status_code !== '460' ? 'target' : 'load-balancer';

const keyOf = (entry: { elb_status_code: string; target_status_code: string }): string =>
  `${entry.elb_status_code} ${makerOf(entry)}`;

function statusesBeside({ log, isAsked }: Traffic): StatusBeside[] {
  const shapes = groupBy(
    log.failureShapes.filter((shape) => !isAsked(shape)),
    keyOf,
  );
  const rows = groupBy(
    log.failures.filter((row) => !isAsked(row)),
    keyOf,
  );
  return [...shapes]
    .map(([key, own]): StatusBeside => {
      const [first] = own;
      const requests = own.reduce((sum, { count }) => sum + count, 0);
      const shown = rows.get(key) ?? [];
      const byRoute = [...groupBy(shown, ({ route }) => route)]
        .map(([route, { length }]) => ({ route, requests: Math.round((length * requests) / shown.length) }))
        .sort((a, b) => b.requests - a.requests || (a.route < b.route ? -1 : 1));
      return {
        status: first?.elb_status_code ?? '',
        madeBy: first && signature(first) === 'target-response' ? 'target' : 'load-balancer',
        requests,
        share: log.requests > 0 ? requests / log.requests : 0,
        medianSeconds: median(shown.flatMap(({ elapsed }) => elapsed ?? [])),
        routes: byRoute.slice(0, ROUTES),
      };
    })
    .sort((a, b) => b.requests - a.requests || (`${a.status}${a.madeBy}` < `${b.status}${b.madeBy}` ? -1 : 1));
}

function median(values: number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

const routesOf400 = ({ log }: Traffic, arn: string): { route: string; requests: number }[] =>
  (log.badRequestRoutes ?? [])
    .filter(({ target_group_arn }) => target_group_arn === arn)
    .slice(0, ROUTES)
    .map(({ route, requests }) => ({ route, requests }));

/** Groups whose targets answer every request with 400, unless the question asks for those. */
function badRequestGroups(traffic: Traffic): Beside['badRequestGroups'] {
  if (traffic.isAsked({ elb_status_code: '400', target_status_code: '400' })) return [];
  const arns = [...new Set(traffic.log.targets.map(({ target_group_arn }) => target_group_arn))];
  return arns
    .filter((arn) => arn !== '-')
    .flatMap((arn) => {
      const requests = requestsAllAnswered400(traffic, arn);
      return requests === null
        ? []
        : [{ targetGroup: targetGroupName(arn), requests, routes: routesOf400(traffic, arn) }];
    })
    .sort((a, b) => b.requests - a.requests || (a.targetGroup < b.targetGroup ? -1 : 1));
}
