/** Diagnoses many random incidents and collects false statements. */

import { falseStatements } from './outcome.ts';
import { randomIncident } from './random-incidents.ts';
import { runConcurrently, writeAndDiagnose } from './run.ts';

export interface VariationResult {
  seed: number;
  drawn: Record<string, unknown>;
  /** Of the errors, by true cause. */
  truth: Record<string, number>;
  errors: number;
  /** Claims of causes that were not there or not as large, rule-outs of causes that were, counts that differ. */
  untrue: string[];
  /** Share of the errors for which a cause was claimed. */
  claimed: number;
}

export async function vary(from: number, count: number): Promise<VariationResult[]> {
  const seeds = Array.from({ length: count }, (_, i) => from + i);
  return await runConcurrently(seeds, async (seed) => {
    const made = randomIncident(seed);
    const { simulation, diagnosis } = await writeAndDiagnose(made);
    const { truth } = simulation;
    const { requests, errors, byStatus } = diagnosis.triage;
    const miscounted =
      requests !== truth.requests || errors !== truth.errors
        ? [`${requests} requests and ${errors} errors counted, in truth ${truth.requests} and ${truth.errors}`]
        : [];
    const statuses = Object.entries(byStatus).some(([status, number]) => truth.byStatus[status] !== number)
      ? [`counted ${JSON.stringify(byStatus)}, in truth ${JSON.stringify(truth.byStatus)}`]
      : [];
    const claimed = diagnosis.causes
      .filter(({ standing }) => standing === 'confirmed' || standing === 'likely')
      .reduce((sum, { explains }) => sum + explains, 0);
    return {
      seed,
      drawn: made.drawn,
      truth: truth.causes,
      errors: truth.errors,
      untrue: [...miscounted, ...statuses, ...falseStatements(diagnosis, truth)],
      claimed,
    };
  });
}

/** The worst of them in words: every untruth, and how much was left open. */
export function varietyReport(varied: VariationResult[]): string {
  const untrue = varied.filter((one) => one.untrue.length > 0);
  const failing = varied.filter(({ errors }) => errors > 0);
  const open = failing.filter(({ claimed }) => claimed === 0).length;
  return [
    `${varied.length} random incidents, ${failing.length} with errors: something untrue said of ${untrue.length}, nothing claimed of ${open}.`,
    ...untrue.map(
      ({ seed, drawn, truth, untrue: what }) =>
        `- seed ${seed}: ${what.join('; ')}. Truth: ${JSON.stringify(truth)}. Drawn: ${JSON.stringify(drawn)}`,
    ),
  ].join('\n');
}
