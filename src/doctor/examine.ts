/**
 * Checks one account and region like a diagnosis, without changing anything, and reports what works and what is
 * missing. A refused call is a finding; missing credentials or an unknown load balancer throw a Problem.
 */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { ElasticLoadBalancingV2Client, paginateDescribeLoadBalancers } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { AccessLogError } from '../collect/access-log/access-log-error.ts';
import { ALB_ACCESS_LOGS, deliveriesOf, describeDeliveries, isReadable } from '../collect/access-log/deliveries.ts';
import { streamFollower } from '../collect/access-log/vended/firehose-streams.ts';
import { collectItems } from '../collect/aws/call.ts';
import { readIdentity } from '../collect/aws/identity.ts';
import { fetchAttributes } from '../collect/aws/load-balancer.ts';
import type { Session } from '../collect/aws/session.ts';
import { mapLimited } from '../collect/map-limited.ts';
import type { Config } from '../config.ts';
import { list, plural } from '../format/wording.ts';
import { checkAthena } from './athena-setup.ts';
import type { DoctorFinding, DoctorReport } from './finding.ts';
import { checkLogging, type LoggingReport } from './logging.ts';
import { checkPermissions } from './permissions.ts';
import { probeCall } from './probe.ts';

interface LoadBalancerToCheck {
  name: string;
  arn: string;
}

const ATTRIBUTES = 'elasticloadbalancing:DescribeLoadBalancerAttributes';

/** Checks an account. `loadBalancer`: null to check the account as a whole. */
export async function checkAccount(
  session: Session,
  loadBalancer: LoadBalancerToCheck | null,
  { athena, now }: { athena: Config['athena']; now: number },
): Promise<DoctorReport> {
  const { region, account: name } = session.place;
  const { account, arn } = await readIdentity(session);
  const finding: DoctorFinding = { about: 'Credentials', state: 'ok', text: arn };
  const where = `${region}, account ${account}${name === 'default' ? '' : ` (${name})`}`;
  if (loadBalancer === null) {
    const [permissions, { findings, example }] = await Promise.all([
      checkPermissions(session, { loadBalancerArn: null, account, now }),
      checkEveryLoadBalancer(session, now),
    ]);
    const context = { athena, account, place: example?.place ?? null, line: example?.line ?? null };
    const tables = await checkAthena(session, context);
    return { title: where, findings: [finding, ...permissions, ...findings, ...tables] };
  }
  const [permissions, { findings, place, line }] = await Promise.all([
    checkPermissions(session, { loadBalancerArn: loadBalancer.arn, account, now }),
    checkLoadBalancerLogging(session, loadBalancer.arn, now),
  ]);
  const tables = await checkAthena(session, { athena, account, place, line });
  return { title: `${loadBalancer.name} in ${where}`, findings: [finding, ...permissions, ...findings, ...tables] };
}

async function checkLoadBalancerLogging(session: Session, arn: string, now: number): Promise<LoggingReport> {
  const answer = await probeCall(session, ATTRIBUTES, (options) => fetchAttributes({ session, options }, arn));
  if ('value' in answer) return await checkLogging(session, arn, answer.value, now);
  const finding: DoctorFinding = {
    about: 'Access log',
    state: 'missing',
    text: `${answer.reason}: where the access log goes is unknown`,
    ...(answer.isDenied ? { allow: { action: ATTRIBUTES, resource: '*' } } : {}),
  };
  return { findings: [finding], place: null, line: null };
}

/** Most load balancers whose attributes are read when none is named. */
const AT_MOST = 100;
const AT_ONCE = 8;

/** Reports which load balancers log and which do not; checks the first that does, to S3 if possible, as an example for the account. */
async function checkEveryLoadBalancer(
  session: Session,
  now: number,
): Promise<{ findings: DoctorFinding[]; example: LoggingReport | null }> {
  const about = 'Access logs';
  const action = 'elasticloadbalancing:DescribeLoadBalancers';
  const answer = await probeCall(session, action, (options) =>
    collectItems(
      paginateDescribeLoadBalancers({ client: session.client(ElasticLoadBalancingV2Client) }, {}, options),
      (page) => page.LoadBalancers,
    ),
  );
  if (!('value' in answer)) {
    const allow = answer.isDenied ? { allow: { action, resource: '*' } } : {};
    return { findings: [{ about, state: 'missing', text: answer.reason, ...allow }], example: null };
  }
  const all = answer.value.filter(({ Type }) => Type === 'application');
  if (all.length === 0)
    return { findings: [{ about, state: 'note', text: 'there is no Application Load Balancer here' }], example: null };
  const checked = await mapLimited(
    all.slice(0, AT_MOST),
    AT_ONCE,
    async ({ LoadBalancerArn: arn = '', LoadBalancerName: name = '' }) => {
      const one = await probeCall(session, ATTRIBUTES, (options) => fetchAttributes({ session, options }, arn));
      return { name, arn, attributes: 'value' in one ? one.value : null };
    },
  );
  checked.sort((a, b) => (a.name < b.name ? -1 : 1));
  const logs = checked.filter(({ attributes }) => attributes?.['access_logs.s3.enabled'] === 'true');
  const vended = await vendedAmong(session, checked);
  const off = checked.filter(
    (one) => one.attributes !== null && one.attributes['access_logs.s3.enabled'] !== 'true' && !vended.of.includes(one),
  );
  const findings: DoctorFinding[] = [
    {
      about,
      state: logs.length + vended.of.length === 0 ? 'missing' : 'ok',
      text: `${logs.length} of ${plural(checked.length, 'load balancer')} log to S3${vended.of.length === 0 ? '' : `, ${vended.of.length} to a vended log`}${all.length > AT_MOST ? ` (the first ${AT_MOST} of ${all.length})` : ''}`,
    },
  ];
  if (off.length > 0)
    findings.push({
      about,
      state: 'note',
      text: `off for ${list(off.map(({ name }) => name))}; alb502 doctor <name> says how to switch it on`,
    });
  if (vended.refusal !== null)
    findings.push({
      about,
      state: 'missing',
      text: `${vended.refusal.message}: which load balancers have a vended log is unknown`,
    });
  if (checked.some(({ attributes }) => attributes === null))
    findings.push({
      about,
      state: 'missing',
      text: `${ATTRIBUTES} was refused: where access logs go is unknown`,
      allow: { action: ATTRIBUTES, resource: '*' },
    });
  const [first] = [...logs, ...vended.of];
  if (first?.attributes == null) return { findings, example: null };
  const example = await checkLogging(session, first.arn, first.attributes, now);
  const own = example.findings.slice(1).map((finding) => ({ ...finding, text: `${first.name}: ${finding.text}` }));
  return { findings: [...findings, ...own], example };
}

/** The load balancers whose access log is delivered to where it can be read; none if deliveries cannot be listed. */
async function vendedAmong<Checked extends { arn: string }>(
  session: Session,
  checked: readonly Checked[],
): Promise<{ of: Checked[]; refusal: AccessLogError | null }> {
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]);
  const described = await describeDeliveries({
    logs: session.client(CloudWatchLogsClient),
    region: session.place.region,
    signal,
  });
  const follow = streamFollower(session, signal);
  const found = await Promise.all(
    checked.map(async (one) => ({
      one,
      ...(await follow(deliveriesOf(described, { resourceArn: one.arn, logType: ALB_ACCESS_LOGS }), one.arn)),
    })),
  );
  return {
    of: found.filter(({ deliveries }) => deliveries.some(isReadable)).map(({ one }) => one),
    refusal: found.find(({ refusal }) => refusal !== null)?.refusal ?? null,
  };
}
