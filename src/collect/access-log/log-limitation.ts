/** What a log that was read could not answer, as stored in the evidence and in incident folders. */
import * as z from 'zod';
import type { Collected, GapKind, LogLimitation } from '../../evidence/collected.ts';

export const GAP_KINDS = ['denied', 'not-recorded', 'incomplete', 'failed'] as const satisfies readonly GapKind[];

export const logLimitation = (sentence: string): LogLimitation => ({
  kind: 'incomplete',
  sentence,
  iamStatement: null,
});

/** `sentence` says what was not read; the failure provides the missing permission. */
export const limitationFrom = (
  sentence: string,
  {
    kind = 'failed',
    iamStatement = null,
  }: Pick<Extract<Collected<never>, { status: 'unavailable' }>, 'kind' | 'iamStatement'>,
): LogLimitation => ({ kind, sentence, iamStatement });

/** Folders saved by alb502 0.1 contain only sentences. */
export const LogLimitationSchema = z
  .union([z.string(), z.object({ kind: z.enum(GAP_KINDS), sentence: z.string(), iamStatement: z.string().nullable() })])
  .transform((saved): LogLimitation => (typeof saved === 'string' ? logLimitation(saved) : saved));
