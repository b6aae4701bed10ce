/** `alb502 doctor` about the calls that name targets: one finding for all of them. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openSession } from '../../src/collect/aws/session.ts';
import { checkNamingPermissions } from '../../src/doctor/naming-permissions.ts';
import { incidentFolder } from '../support/aws/live-run.ts';
import { DENIED, type Fault, filesOf, openAccount } from '../support/aws/recorded-account.ts';

afterEach(() => vi.unstubAllEnvs());

const ARN = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/shop-prod/50dc6c495c0c9188';
const FUNCTIONS = 'arn:aws:lambda:eu-west-1:123456789012:function:*';
const NO_SUCH: Fault = { code: 'ClusterNotFoundException', message: 'Cluster not found.', status: 400 };

async function examine(faults: Record<string, Fault>, loadBalancerArn: string | null = ARN) {
  const account = await openAccount(filesOf(incidentFolder('002')));
  for (const [action, fault] of Object.entries(faults)) account.always(action, fault);
  const session = openSession(
    { account: 'default', region: 'eu-west-1' },
    { signal: new AbortController().signal, deadline: 20_000 },
  );
  const findings = await checkNamingPermissions(session, { loadBalancerArn, functions: FUNCTIONS });
  session.close();
  return { findings, asked: new Set(account.asked.map(({ action }) => action)) };
}

describe('names of targets', () => {
  it.each<[string, Record<string, Fault>]>([
    ['every call finds nothing, which shows that it is allowed', { '*': NO_SUCH }],
    ['the service does not answer as documented', { '*': { code: 'InternalFailure', message: 'no', status: 400 } }],
  ])('lack nothing if %s', async (_, faults) => {
    const { findings } = await examine(faults);
    expect(findings).toEqual([
      { about: 'Names', state: 'ok', text: 'services, tasks and revisions behind targets can be read' },
    ]);
  });

  it('are one finding with the statements of all denied actions', async () => {
    const { findings } = await examine({ '*': NO_SUCH, 'ecs:ListTasks': DENIED, 'lambda:GetAlias': DENIED });
    expect(findings).toEqual([
      {
        about: 'Names',
        state: 'missing',
        text: 'ecs:ListTasks and lambda:GetAlias denied: a diagnosis names fewer services, tasks and revisions, and fewer reasons why they went',
        allow: [
          { action: 'ecs:ListTasks', resource: '*' },
          { action: 'lambda:GetAlias', resource: FUNCTIONS },
        ],
      },
    ]);
  });

  it.each([
    ['of a load balancer ask for its tags', ARN, true],
    ['without a load balancer need no tags', null, false],
  ])('%s', async (_, arn, expected) => {
    const { asked } = await examine({ '*': NO_SUCH }, arn);
    expect(asked.has('elasticloadbalancing:DescribeTags')).toBe(expected);
  });
});
