import type { Attributes } from '../../evidence/aws.ts';
import { plural } from '../../format/wording.ts';
import type { CauseEvidence } from '../diagnosis-evidence.ts';
import { claimErrors, type Fix, type Judgement, untested } from '../judgement.ts';
import { codeFixes, codeSentences, lambdaErrors } from '../reason-codes/lambda-codes.ts';
import { functionNames, logCommands } from '../reason-codes/lambda-phrases.ts';
import { countErrors, type SampledError, targetGroupName } from '../traffic.ts';
import { defineCause } from './cause.ts';

const WANTS = ['targetHealth', 'functions', 'targetGroupAttributes'] as const;

export const lambdaInvalidResponse = defineCause({
  id: 'lambda-invalid-response',
  title: 'Lambda response in the wrong shape',
  explanation:
    'The function answered, but not with the JSON that the load balancer needs: a missing or textual statusCode, header values that are no strings, a body that is an object.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html',
  signatures: ['lambda-failure'],
  wants: WANTS,

  judge(evidence): Judgement {
    const { traffic } = evidence;
    const errors = lambdaErrors(traffic, 'lambda-invalid-response');
    return claimErrors(
      {
        claims: [{ errors, strength: 'confirmed' }],
        for: [...codeSentences(traffic, errors), ...headerFormat(errors, evidence.targetGroupAttributes)],
        against: [],
        missing: [],
        fix: fixFor(errors, evidence),
        summary: `${functionNames(errors, evidence)} returned a response of the wrong shape in ${plural(countErrors(errors), 'request')}.`,
      },
      untested(),
    );
  },
});

function fixFor(errors: readonly SampledError[], evidence: CauseEvidence<(typeof WANTS)[number]>): Fix {
  return {
    summary: codeFixes(errors)[0] ?? 'Return the JSON shape that the load balancer needs.',
    // The function ended without an error: its log shows the response only where it writes it.
    commands: logCommands(errors, evidence, 'statusCode'),
    settings: [
      '{"statusCode": 200, "isBase64Encoded": false, "headers": {"content-type": "application/json"}, "body": "{}"}',
    ],
    sideEffects: [],
  };
}

/** Which member the headers have to be in; with the other one set they are ignored or refused. */
function headerFormat(errors: SampledError[], attributes: Record<string, Attributes> = {}): string[] {
  const groups = [...new Set(errors.map((error) => error.target_group_arn))].sort();
  return groups.flatMap((arn) => {
    const value = attributes[arn]?.['lambda.multi_value_headers.enabled'];
    if (value === undefined) return [];
    const member = value === 'true' ? 'multiValueHeaders (lists of strings)' : 'headers (strings)';
    return [
      `The target group ${targetGroupName(arn)} expects ${member}: lambda.multi_value_headers.enabled is ${value}.`,
    ];
  });
}
