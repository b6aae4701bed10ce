/** Finds errors of a Lambda function whose alias splits requests between two versions. */
import type { FunctionAlias } from '../../evidence/workloads.ts';
import { type Command, command } from '../../format/command.ts';
import { percent } from '../../format/wording.ts';
import type { DiagnosisEvidence } from '../diagnosis-evidence.ts';
import { countErrors, type SampledError, type Traffic } from '../traffic.ts';
import type { WeightedGroup } from './weighted-group.ts';

type AliasEvidence = Partial<Pick<DiagnosisEvidence, 'functionAliases' | 'targetHealth'>>;

/** With fewer errors, shares cannot be compared. */
const FEWEST_ERRORS = 20;
/** Largest distance from the expected share, in standard deviations. */
const DEVIATIONS = 3;

/**
 * Null unless all errors belong to one alias with a second version and the share of failed requests fits the weight of
 * that version.
 */
export function weightedAlias(
  errors: readonly SampledError[],
  traffic: Traffic,
  { functionAliases = {}, targetHealth = {} }: AliasEvidence,
): WeightedGroup | null {
  const [arn, ...others] = new Set(errors.map(({ target_group_arn }) => target_group_arn));
  if (arn === undefined || others.length > 0) return null;
  const [registered] = (targetHealth[arn] ?? []).map(({ Target }) => Target.Id);
  const alias = registered === undefined ? undefined : functionAliases[registered];
  const second = alias === undefined ? null : secondVersion(alias);
  const name = alias?.Name;
  const [functionName] = /^arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+/.exec(registered ?? '') ?? [];
  if (second === null || name === undefined || functionName === undefined) return null;
  const requests = traffic.log.targets
    .filter(({ target_group_arn }) => target_group_arn === arn)
    .reduce((sum, row) => sum + row.requests, 0);
  const count = countErrors(errors);
  const { version, weight } = second;
  const share = count / Math.max(1, requests);
  const spread = DEVIATIONS * Math.sqrt((weight * (1 - weight)) / Math.max(1, requests));
  if (count < FEWEST_ERRORS || Math.abs(share - weight) > spread) return null;
  return {
    sentence: `Alias ${name} sends ${percent(weight)} of the requests to version ${version}, and ${percent(share)} failed: as if every request to version ${version} did.`,
    stopgap: {
      summary: `Send no request to version ${version} until it is fixed: all then go to version ${alias?.FunctionVersion ?? 'before it'}.`,
      commands: [setRouting(functionName, name, 'AdditionalVersionWeights={}')],
      undo: `Give version ${version} its weight again afterwards: --routing-config AdditionalVersionWeights={${version}=${weight}}.`,
      sideEffects: [],
    },
  };
}

const setRouting = (functionName: string, alias: string, weights: string): Command =>
  command`aws lambda update-alias --function-name ${functionName} --name ${alias} --routing-config ${weights}`;

/** The alias's second version, if it has a weight. */
function secondVersion({ RoutingConfig }: FunctionAlias): { version: string; weight: number } | null {
  const [first, ...others] = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {});
  if (first === undefined || others.length > 0) return null;
  const [version, weight] = first;
  return weight > 0 && weight < 1 ? { version, weight } : null;
}
