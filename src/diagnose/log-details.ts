/** What buttons show of an access log beyond the diagnosis. Pure. */
import type { FailedRequest } from '../evidence/access-log.ts';
import type { Collected } from '../evidence/collected.ts';
import type { EvidenceSet } from '../evidence/evidence.ts';
import type { Question } from '../evidence/question.ts';
import { collectedTraffic } from './collected-traffic.ts';
import { targetKey } from './targets/target-key.ts';
import { countErrors, groupBy, isAskedGroup, type Traffic, targetGroupName } from './traffic.ts';

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
  /** The number of asked errors. */
  errors: number;
  /** Whether the rows of all failures were kept. */
  isWhole: boolean;
}

export function logDetails(question: Question, evidence: EvidenceSet): Collected<LogDetails> {
  const collected = collectedTraffic(question, evidence);
  if (collected.status === 'unavailable') return collected;
  const traffic = collected.value;
  const { failures, failuresTotal } = traffic.log;
  return {
    ...collected,
    value: {
      byTarget: errorsByTarget(traffic, question),
      byRoute: errorsByRoute(traffic),
      failed: traffic.errors,
      errors: Math.round(traffic.errorCount),
      isWhole: failures.length === failuresTotal,
    },
  };
}

function errorsByTarget({ errors, log }: Traffic, question: Question): ErrorsOfTarget[] {
  const own = groupBy(errors, targetKey);
  const targets = log.targets.filter(({ target_group_arn }) => isAskedGroup(question, target_group_arn));
  return [...groupBy(targets, targetKey)]
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
