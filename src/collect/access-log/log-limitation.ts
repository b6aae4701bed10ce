/** What a log that was read could not be asked: as the evidence and incident folders hold it. */
import * as z from 'zod';
import type { Collected, GapKind, LogLimitation } from '../../evidence/evidence.ts';

export const GAP_KINDS = ['denied', 'not-recorded', 'incomplete', 'failed'] as const satisfies readonly GapKind[];

export const logLimitation = (sentence: string): LogLimitation => ({
  kind: 'incomplete',
  sentence,
  iamStatement: null,
});

/** `sentence` says what was not read; a permission that is missing for it comes from the failure. */
export const limitationFrom = (
  sentence: string,
  {
    kind = 'failed',
    iamStatement = null,
  }: Pick<Extract<Collected<never>, { status: 'unavailable' }>, 'kind' | 'iamStatement'>,
): LogLimitation => ({ kind, sentence, iamStatement });

/** Folders that alb502 0.1 saved hold sentences alone. */
export const LogLimitationSchema = z
  .union([z.string(), z.object({ kind: z.enum(GAP_KINDS), sentence: z.string(), iamStatement: z.string().nullable() })])
  .transform((saved): LogLimitation => (typeof saved === 'string' ? logLimitation(saved) : saved));
