/** Evidence that is fetched once, when it is first needed, with the command that fetches it by hand. */
import type { Collected } from '../../evidence/collected.ts';
import type { Evidence } from '../../evidence/evidence.ts';
import type { Question } from '../../evidence/question.ts';
import { type CommandDetails, commandFor } from '../cli-commands.ts';
import type { DescribedEvidenceName } from '../incident/read-evidence.ts';
import { type Call, callAws } from './call.ts';
import { type Lazy, once } from './once.ts';
import type { Session } from './session.ts';

export type LazyEvidence = ReturnType<typeof lazyEvidenceOf>;

/**
 * The deadline starts after `needs` resolves. `details` makes the command specific before the answer, `detailsOf`
 * afterwards.
 */
export const lazyEvidenceOf =
  (session: Session, question: Question, details: () => Promise<CommandDetails>) =>
  <Name extends DescribedEvidenceName, Needed>(
    name: Name,
    action: string,
    needs: () => Promise<Needed> | Needed,
    fetch: (call: Call, needed: Needed) => Promise<Evidence[Name]>,
    detailsOf: (value: Evidence[Name], needed: Needed) => CommandDetails | Promise<CommandDetails> = details,
  ): Lazy<Collected<Evidence[Name]>> =>
    once(async () => {
      const result = await callAws(session, action, needs, async (call, needed) => {
        const value = await fetch(call, needed);
        return { value, specific: await detailsOf(value, needed) };
      });
      if ('reason' in result)
        return { status: 'unavailable', source: commandFor(name, question, await details()), ...result };
      const { value, specific } = result.value;
      return { status: 'collected', source: commandFor(name, question, specific), value };
    });
