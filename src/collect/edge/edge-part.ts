/** Part of the evidence about CloudFront, with the limitations of reading it. */

import type { CollectionFailure } from '../../evidence/collected.ts';
import type { EdgeLimitation } from '../../evidence/edge.ts';

export interface EdgePart<T> {
  value: T;
  limitations: EdgeLimitation[];
}

export const edgeLimitation = (
  what: EdgeLimitation['what'],
  sentence: string,
  { kind, iamStatement }: Pick<CollectionFailure, 'kind' | 'iamStatement'> = { kind: 'incomplete', iamStatement: null },
): EdgeLimitation => ({ what, kind, sentence, iamStatement });
