/** Finds the log files for an Athena table in one account and region, and runs the statement that creates the table. */

import { AthenaClient, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { ElasticLoadBalancingV2Client, paginateDescribeLoadBalancers } from '@aws-sdk/client-elastic-load-balancing-v2';
import { pollQuery, stopQuery } from '../collect/access-log/athena/athena-engine.ts';
import { type LogPlace, logPlace } from '../collect/access-log/log-place.ts';
import { awsProblem } from '../collect/aws/aws-errors.ts';
import { collectItems } from '../collect/aws/call.ts';
import { assertCredentials, fetchAttributes } from '../collect/aws/load-balancer.ts';
import type { Session } from '../collect/aws/session.ts';
import { mapLimited } from '../collect/map-limited.ts';
import type { Config } from '../config.ts';
import { Problem } from '../problem.ts';

/** Parallel calls; the API allows 50 per second. */
const AT_ONCE = 8;

/**
 * Returns where the load balancers of this account and region deliver access logs; each place once, most used first.
 */
export async function logPlaces(session: Session): Promise<{ place: LogPlace; names: string[] }[]> {
  await assertCredentials(session);
  const places = new Map<string, { place: LogPlace; names: string[] }>();
  let action = 'elasticloadbalancing:DescribeLoadBalancers';
  try {
    const options = { abortSignal: AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]) };
    const client = session.client(ElasticLoadBalancingV2Client);
    const all = await collectItems(
      paginateDescribeLoadBalancers({ client }, {}, options),
      (page) => page.LoadBalancers,
    );
    action = 'elasticloadbalancing:DescribeLoadBalancerAttributes';
    const applicationOnes = all.filter(({ Type }) => Type === 'application');
    await mapLimited(applicationOnes, AT_ONCE, async ({ LoadBalancerArn: arn = '', LoadBalancerName: name = '' }) => {
      const place = logPlace(await fetchAttributes({ session, options }, arn), arn);
      if (place === null) return;
      const key = `${place.bucket}/${place.root}`;
      const entry = places.get(key) ?? { place, names: [] };
      entry.names.push(name);
      places.set(key, entry);
    });
  } catch (error) {
    throw awsProblem(error, { action, ...session.place });
  }
  for (const { names } of places.values()) names.sort();
  return [...places.values()].sort(
    (a, b) =>
      b.names.length - a.names.length || (a.place.bucket + a.place.root < b.place.bucket + b.place.root ? -1 : 1),
  );
}

/** Returns where one load balancer logs. Throws Problem when its access log does not go to S3. */
export async function logPlaceOf(session: Session, { name, arn }: { name: string; arn: string }): Promise<LogPlace> {
  const options = { abortSignal: AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]) };
  const action = 'elasticloadbalancing:DescribeLoadBalancerAttributes';
  const attributes = await fetchAttributes({ session, options }, arn).catch((error: unknown) => {
    throw awsProblem(error, { action, ...session.place });
  });
  const place = logPlace(attributes, arn);
  if (place === null)
    throw new Problem(
      `${name} does not log to S3, so there is nothing for a table; alb502 doctor ${name} says how to switch it on.`,
      1,
    );
  return place;
}

/**
 * Runs a statement in Athena and waits for it; cancels it when interrupted and at the deadline. Throws Problem (exit 2)
 * with the reason.
 */
export async function runStatement(session: Session, statement: string, athena: Config['athena']): Promise<void> {
  const client = session.client(AthenaClient);
  const { workGroup: WorkGroup, outputLocation } = athena;
  const abortSignal = AbortSignal.any([session.signal, AbortSignal.timeout(session.deadline)]);
  let action = 'athena:StartQueryExecution';
  let id: string | undefined;
  try {
    const started = await client.send(
      new StartQueryExecutionCommand({
        QueryString: statement,
        WorkGroup,
        QueryExecutionContext: { Catalog: athena.catalog },
        // A workgroup that enforces its own results location ignores this one.
        ...(outputLocation === undefined ? {} : { ResultConfiguration: { OutputLocation: outputLocation } }),
      }),
      { abortSignal },
    );
    id = started.QueryExecutionId;
    action = 'athena:GetQueryExecution';
    const { Status } = await pollQuery(client, id ?? '', abortSignal);
    id = undefined;
    if (Status?.State === 'SUCCEEDED') return;
    const { State = 'FAILED', StateChangeReason = 'no reason given' } = Status ?? {};
    throw new Problem(
      `Athena did not make the table (${State.toLowerCase()}): ${withRemedy(StateChangeReason, athena)}.`,
      2,
    );
  } catch (error) {
    if (error instanceof Error && error.name === 'InvalidRequestException')
      throw new Problem(`Athena did not take the statement: ${withRemedy(error.message, athena)}.`, 2);
    throw awsProblem(error, { action, ...session.place });
  } finally {
    if (id !== undefined) await stopQuery(client, id);
  }
}

/** Returns Athena's message on one line, with a remedy if one is known. */
function withRemedy(reason: string, { workGroup, database }: Config['athena']): string {
  const message = reason.replace(/\s+/g, ' ').trim().replace(/\.+$/, '');
  if (/output ?location|output bucket/i.test(message))
    return `${message}; set athena.outputLocation (ALB502_ATHENA_OUTPUT) to a folder in S3, or give the workgroup ${workGroup} one`;
  if (/WorkGroup .*not found/i.test(message))
    return `${message}; athena.workGroup (ALB502_ATHENA_WORKGROUP) names another`;
  if (/SCHEMA_NOT_FOUND|Database .*(not found|does not exist)|EntityNotFound/i.test(message))
    return `${message}; athena.database (ALB502_ATHENA_DATABASE) names another, and CREATE DATABASE \`${database}\` makes this one`;
  return message;
}
