/** What buttons show of an access log beyond the diagnosis. Pure. */
import type { AccessLog, FailedRequest } from '../evidence/access-log.ts';
import type { Question } from '../evidence/question.ts';
import { targetKey } from './targets/target-key.ts';
import { countErrors, groupBy, readTraffic, type Traffic, targetGroupName } from './traffic.ts';

/** Asked errors and all requests of a target. */
interface ErrorsOfTarget {
  /** Name of the target group. */
  targetGroup: string;
  /** "10.0.1.5:8080"; "-" for requests that were sent to none. */
  target: string;
  errors: number;
  requests: number;
}

interface ErrorsOfRoute {
  route: string;
  errors: number;
  requests: number;
  /** Milliseconds; null if no request succeeded. */
  slowestSuccess: number | null;
}

export interface LogDetails {
  /** Most errors first. */
  byTarget: ErrorsOfTarget[];
  byRoute: ErrorsOfRoute[];
  /** The rows of asked errors that were kept. */
  failed: FailedRequest[];
  /** Failures in the log, and whether all of them were kept. */
  failures: number;
  isWhole: boolean;
}

export function logDetails(log: AccessLog, question: Question): LogDetails {
  const traffic = readTraffic(log, question);
  return {
    byTarget: errorsByTarget(traffic),
    byRoute: errorsByRoute(traffic),
    failed: log.failures.filter(traffic.isAsked),
    failures: log.failuresTotal,
    isWhole: log.failures.length === log.failuresTotal,
  };
}

function errorsByTarget({ errors, log }: Traffic): ErrorsOfTarget[] {
  const own = groupBy(errors, targetKey);
  return [...groupBy(log.targets, targetKey)]
    .flatMap(([key, entries]): ErrorsOfTarget[] => {
      const [first] = entries;
      const failed = countErrors(own.get(key) ?? []);
      const requests = entries.reduce((sum, entry) => sum + entry.requests, 0);
      if (first === undefined || (requests === 0 && failed === 0)) return [];
      return [{ targetGroup: targetGroupName(first.target_group_arn), target: first.target, errors: failed, requests }];
    })
    .sort((a, b) => b.errors - a.errors || b.requests - a.requests || (a.target < b.target ? -1 : 1));
}

function errorsByRoute({ errors, log }: Traffic): ErrorsOfRoute[] {
  const own = groupBy(errors, ({ route }) => route);
  return log.routes
    .map(({ route, requests, succeeded, succeededMaxMs }) => ({
      ...{ route, requests, errors: countErrors(own.get(route) ?? []) },
      slowestSuccess: succeeded > 0 ? succeededMaxMs : null,
    }))
    .filter((one) => one.errors > 0)
    .sort((a, b) => b.errors - a.errors || b.requests - a.requests || (a.route < b.route ? -1 : 1));
}
