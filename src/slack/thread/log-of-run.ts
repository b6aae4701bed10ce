import { type LogDetails, logDetails } from '../../diagnose/log-details.ts';
import type { AccessLog } from '../../evidence/access-log.ts';
import type { Collected } from '../../evidence/collected.ts';
import type { ThreadState } from '../messages/thread-state.ts';

/** The access log of a run as buttons show it. */
export function logOfRun({ run, diagnosis }: ThreadState, accessLog: Collected<AccessLog>): Collected<LogDetails> {
  if (accessLog.status === 'unavailable') return accessLog;
  const { name, arn } = run.loadBalancer;
  const question = {
    loadBalancer: { name, arn },
    from: Date.parse(run.from),
    to: Date.parse(run.to),
    now: Date.parse(diagnosis?.asked.now ?? run.to),
    statuses: run.statuses,
  };
  return { ...accessLog, value: logDetails(accessLog.value, question) };
}
