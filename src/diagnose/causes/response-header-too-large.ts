import { command } from '../../format/command.ts';
import { claimErrors, type Fix, type Judgement, ruledOut } from '../judgement.ts';
import { askTarget, badResponse, type TargetRequest } from '../patterns/invalid-responses.ts';
import { defineCause } from './cause.ts';

export const responseHeaderTooLarge = defineCause({
  id: 'response-header-too-large',
  title: 'Response headers over 32 KB',
  explanation: 'The response headers are larger than 32 KB in total, the most the load balancer accepts from a target.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html',
  signatures: ['closed-before-response'],
  wants: ['targetGroups'],

  judge({ traffic, targetGroups }): Judgement {
    const { claimed, reasons, against } = badResponse(traffic);
    return claimErrors(
      {
        claims: [{ errors: claimed, strength: 'possible' }],
        for: reasons,
        against,
        missing: ['The size of the response headers: neither the log nor a metric shows it.'],
        fix: fixFor(askTarget(claimed, targetGroups)),
      },
      ruledOut(against),
    );
  },
});

const fixFor = ({ options, url }: TargetRequest): Fix => ({
  summary: 'Measure the response headers from inside the VPC. If they exceed 32,768 bytes, shorten cookies.',
  commands: [command`curl ${options} -sS -o /dev/null -D - ${url} | wc -c`],
  notes: ['The load balancer refuses more than 32,768 bytes.'],
  sideEffects: [],
});
