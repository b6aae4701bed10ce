import { wholeMinutes } from '../evidence/metrics.ts';
import type { Question } from '../evidence/question.ts';
import { signature } from './signature.ts';
import type { Traffic } from './traffic.ts';

/**
 * Asked errors that the load balancer made, over the whole UTC minutes inside the window, comparable with
 * HTTPCode_ELB_50x_Count. If the question is about targets' errors only, counts those, comparable with
 * HTTPCode_Target_5XX_Count. Null in a window without a whole minute.
 */
export function errorsInLog(traffic: Traffic, question: Question): number | null {
  const minutes = wholeMinutes(question);
  if (minutes === null) return null;
  const isOfTargets = question.statuses.every((word) => word.startsWith('target-'));
  return traffic.shapes
    .filter((shape) => shape.minute >= minutes.from && shape.minute < minutes.to)
    .filter((shape) => (signature(shape) === 'target-response') === isOfTargets)
    .reduce((sum, shape) => sum + shape.count, 0);
}
