/** Fetches the evidence about CloudFront: its address ranges, the distributions, and the 5xx in their logs. */

import type { LoadBalancer } from '../../evidence/aws.ts';
import type { Edge } from '../../evidence/edge.ts';
import type { Question } from '../../evidence/question.ts';
import type { Call } from '../aws/call.ts';
import { fetchDistributions } from './distributions.ts';
import type { EdgeLogReading } from './edge-delivery.ts';
import { readEdgeLog } from './edge-log.ts';
import { fetchEdgeRanges } from './edge-ranges.ts';
import type { AddressLookup } from './origin-names.ts';

interface EdgeQuestion extends Pick<EdgeLogReading, 'remainingUsd'> {
  question: Question;
  loadBalancer: LoadBalancer;
  /** Asks DNS if absent. */
  lookUp?: AddressLookup;
}

/** Lists refused calls in `limitations`. */
export async function fetchEdge(
  call: Call,
  { question, loadBalancer, remainingUsd, lookUp }: EdgeQuestion,
): Promise<Edge> {
  const [ranges, distributions] = await Promise.all([
    fetchEdgeRanges(call),
    fetchDistributions(call, loadBalancer, lookUp),
  ]);
  const log = await readEdgeLog({ call, question, distributions: distributions.value, remainingUsd });
  return {
    ranges: ranges.value,
    distributions: distributions.value.map(({ arn: _, ...distribution }) => distribution),
    log: log.value,
    limitations: [...ranges.limitations, ...distributions.limitations, ...log.limitations],
  };
}
