/** The fix where all errors belong to one of several weighted target groups or versions: it gets no more requests. */

import type { Command } from '../format/command.ts';
import type { ErrorPart } from './attribution.ts';
import type { CauseResult } from './diagnosis.ts';
import type { DiagnosisEvidence } from './diagnosis-evidence.ts';
import type { Stopgap } from './judgement.ts';
import { failingRevisions } from './patterns/revision-errors.ts';
import type { DeploymentEvidence } from './targets/deployment-types.ts';
import { deploymentsOf } from './targets/deployments.ts';
import { weightedAlias } from './targets/weighted-alias.ts';
import { type WeightedGroup, weightedGroup } from './targets/weighted-group.ts';
import type { Traffic } from './traffic.ts';

type WeightEvidence = DeploymentEvidence &
  Partial<Pick<DiagnosisEvidence, 'functionAliases' | 'rules' | 'targetHealth'>>;

/** Adds to the leading part's causes what sends nothing to its target group or version, if that has a weight. */
export function withWeight(
  results: CauseResult[],
  lead: ErrorPart | undefined,
  traffic: Traffic,
  evidence: WeightEvidence,
): CauseResult[] {
  if (lead === undefined) return results;
  const weighted = weightedGroup(lead.errors, traffic, evidence.rules) ?? weightedAlias(lead.errors, traffic, evidence);
  if (weighted === null) return results;
  const { stopgap, stop } = changeOf(weighted, lead, traffic, evidence);
  return results.map((result) =>
    lead.causes.includes(result.id)
      ? {
          ...result,
          for: [...result.for, weighted.sentence],
          fix: {
            ...result.fix,
            ...(stop === undefined
              ? {}
              : {
                  commands: [stop.command, ...result.fix.commands],
                  notes: [stop.note, ...(result.fix.notes ?? [])],
                }),
            ...(stopgap === undefined ? {} : { stopgap }),
          },
        }
      : result,
  );
}

const ALWAYS = { from: 0, to: Number.POSITIVE_INFINITY };

/** A weight that a deployment sets is not changed by hand; if its revision is known to fail alone, that is rolled back. */
function changeOf(
  weighted: WeightedGroup,
  { errors: [first] }: ErrorPart,
  traffic: Traffic,
  evidence: DeploymentEvidence,
): { stopgap?: Stopgap; stop?: { command: Command; note: string } } {
  const shifting = deploymentsOf(evidence, ALWAYS).find(
    ({ stop, shift }) => stop !== null && shift?.targetGroup === first?.target_group_arn,
  );
  if (shifting === undefined || shifting.stop === null) return { stopgap: weighted.stopgap };
  if (failingRevisions(traffic).length > 0) return {};
  const note = 'The first command stops the deployment and sends all requests back to the previous revision.';
  return { stop: { command: shifting.stop, note } };
}
