/**
 * Fetches events of a log group without a query: free of charge, a few megabytes at most.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
import { type Command, command } from '../../../format/command.ts';
import { type LogGroup, refusalOf, type Seconds } from './insights.ts';

/** The filter pattern; null to match all events. */
const pattern = ({ loadBalancer }: LogGroup): string | null => (loadBalancer === null ? null : `"${loadBalancer}"`);

/** The AWS CLI command for the call. */
export function logEventsCommand(group: LogGroup, { from, to }: Seconds): Command {
  const filter = pattern(group);
  return command`aws logs filter-log-events --log-group-name ${group.name} --start-time ${from * 1000} --end-time ${to * 1000 + 999} ${filter === null ? [] : ['--filter-pattern', filter]}`;
}

/** Returns the load balancer's messages in order; null if they need more than `pages`. Rejects with AccessLogError. */
export async function filterEvents(group: LogGroup, { from, to }: Seconds, pages: number): Promise<string[] | null> {
  const { FilterLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  const messages: string[] = [];
  const filterPattern = pattern(group);
  let nextToken: string | undefined;
  for (let page = 0; page < pages; page++) {
    const answer = await group.logs
      .send(
        new FilterLogEventsCommand({
          logGroupName: group.name,
          startTime: from * 1000,
          endTime: to * 1000 + 999,
          ...(filterPattern === null ? {} : { filterPattern }),
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
        { abortSignal: group.signal },
      )
      .catch((error: unknown) => {
        throw refusalOf(group, error, 'logs:FilterLogEvents');
      });
    for (const { message } of answer.events ?? []) if (message !== undefined) messages.push(message);
    nextToken = answer.nextToken;
    if (nextToken === undefined) return messages;
  }
  return null;
}
