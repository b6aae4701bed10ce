import type { TargetGroup } from '../../evidence/aws.ts';
import { command } from '../../format/command.ts';
import { list } from '../../format/wording.ts';
import { claimErrors, type Fix, type Judgement, ruledOut } from '../judgement.ts';
import { askTarget, badResponse, type TargetRequest } from '../patterns/invalid-responses.ts';
import type { SampledError } from '../traffic.ts';
import { defineCause } from './cause.ts';

export const malformedResponse = defineCause({
  id: 'malformed-response',
  title: 'Malformed HTTP response',
  explanation: "The target's response is not valid HTTP or has an invalid header; the load balancer discards it.",
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html',
  signatures: ['closed-before-response'],
  wants: ['targetGroups'],

  judge({ traffic, targetGroups }): Judgement {
    const { claimed, reasons, against, routes } = badResponse(traffic);
    return claimErrors(
      {
        claims: [{ errors: claimed, strength: 'possible' }],
        for: reasons,
        against,
        missing: ["The application's log: whether the request finished successfully."],
        fix: fixFor(routes, multiplexed(claimed, targetGroups), askTarget(claimed, targetGroups)),
      },
      ruledOut(against),
    );
  },
});

/** The protocol version of the errors' target group, if requests share a connection in that version. */
function multiplexed(errors: readonly SampledError[], targetGroups: readonly TargetGroup[] | undefined): string | null {
  const arns = new Set(errors.map(({ target_group_arn }) => target_group_arn));
  const group = targetGroups?.find(
    ({ TargetGroupArn, ProtocolVersion }) =>
      arns.has(TargetGroupArn) && (ProtocolVersion === 'HTTP2' || ProtocolVersion === 'GRPC'),
  );
  return group?.ProtocolVersion ?? null;
}

function fixFor(routes: readonly string[], version: string | null, { options, url }: TargetRequest): Fix {
  return {
    summary:
      version === null
        ? 'Look at the raw response (curl --raw -sSi) from inside the VPC.'
        : `Look at what streams share in this ${version} target group: header compression, GOAWAY, max connection age; try a group over HTTP1.`,
    commands: [command`curl ${options} --raw -sS -i ${url} | head -c 4096 | cat -A`],
    ...(routes.length > 0 ? { notes: [`Ask for ${list(routes)}.`] } : {}),
    sideEffects: [],
  };
}
