/** Fixes and stopgaps of one diagnosis that would undo each other. */
import { inSentence, wholeSeconds } from '../format/wording.ts';
import type { CauseResult } from './diagnosis.ts';

/** How long requests take once the fix or the stopgap is in place: seconds; 0 if neither lets them take longer. */
const allowedSeconds = ({ fix }: CauseResult): number =>
  Math.max(fix.allowsSeconds ?? 0, fix.stopgap?.idleTimeoutSeconds ?? 0);

/**
 * If the stopgap of one cause ends the requests that the fix of another lets run, both say so: together they would make
 * new errors.
 */
export function withConflicts(results: readonly CauseResult[]): CauseResult[] {
  const decided = results.filter(({ standing }) => standing === 'confirmed' || standing === 'likely');
  const pairs = decided.flatMap((shorter) => {
    const idle = shorter.fix.stopgap?.idleTimeoutSeconds ?? Number.POSITIVE_INFINITY;
    return decided
      .filter((longer) => longer !== shorter && allowedSeconds(longer) > idle)
      .map((longer) => ({ shorter, longer, idle }));
  });
  return results.map((result) => {
    const asShorter = pairs.filter(({ shorter }) => shorter === result);
    const asLonger = pairs.filter(({ longer }) => longer === result);
    const { stopgap } = result.fix;
    if (asShorter.length + asLonger.length === 0) return result;
    return {
      ...result,
      fix: {
        ...result.fix,
        notes: [
          ...(result.fix.notes ?? []),
          ...asLonger.map(
            ({ shorter, idle }) =>
              `If you applied the stopgap for the ${inSentence(shorter.title)}, undo it first: its idle timeout of ${wholeSeconds(idle)} cuts these requests off.`,
          ),
        ],
        ...(stopgap === undefined
          ? {}
          : {
              stopgap: {
                ...stopgap,
                undo: [
                  stopgap.undo,
                  ...asShorter.map(({ longer }) => `Do this before fixing the ${inSentence(longer.title)}.`),
                ].join(' '),
              },
            }),
      },
    };
  });
}
