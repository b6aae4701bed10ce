/** Part of the evidence about CloudFront, with the limitations of reading it. */
import type { EdgeLimitation } from '../../evidence/edge.ts';
import type { CollectionFailure } from '../../evidence/evidence.ts';

export interface EdgePart<T> {
  value: T;
  limitations: EdgeLimitation[];
}

export const edgeLimitation = (
  what: EdgeLimitation['what'],
  sentence: string,
  { kind, iamStatement }: Pick<CollectionFailure, 'kind' | 'iamStatement'> = { kind: 'incomplete', iamStatement: null },
): EdgeLimitation => ({ what, kind, sentence, iamStatement });
