/** CloudTrail: changes before and after the window. */
import { CloudTrailClient, type Event, paginateLookupEvents } from '@aws-sdk/client-cloudtrail';
import * as z from 'zod';
import { CloudTrailEvent } from '../../evidence/aws.ts';
import type { Question } from '../../evidence/question.ts';
import { plural } from '../../format/wording.ts';
import { CHANGES_BEFORE } from '../cli-commands.ts';
import { type Call, DependencyUnavailable, toCliJson } from './call.ts';

const HOUR = 3_600_000;

/** The page maximum, and the pages that two requests a second and a deadline allow (API reference, LookupEvents). */
const PAGE = 50;
const PAGES = 20;
/** Share of the deadline after which no further page is requested; the pages read so far may suffice. */
const READING = 0.7;

/** The checks need changes this long before the window; earlier ones are optional. */
const NEEDED_BEFORE = HOUR;

/**
 * Fetches management events that changed something, from a day before the window until now. CloudTrail lists the newest
 * first: if there are too many, those of the last hours are enough. Throws DependencyUnavailable if not even those
 * could be read.
 */
export async function fetchChanges(call: Call, { from, now }: Question): Promise<CloudTrailEvent[]> {
  const pages = paginateLookupEvents(
    { client: call.session.client(CloudTrailClient), pageSize: PAGE },
    {
      LookupAttributes: [{ AttributeKey: 'ReadOnly', AttributeValue: 'false' }],
      StartTime: new Date(from - CHANGES_BEFORE),
      EndTime: new Date(now),
    },
    call.options,
  );
  const until = performance.now() + call.session.deadline * READING;
  const events: Event[] = [];
  let read = 0;
  for await (const page of pages) {
    events.push(...(page.Events ?? []));
    read += 1;
    if (page.NextToken === undefined || page.NextToken === '') return parseEvents(events);
    if (read >= PAGES || performance.now() > until) break;
  }
  const oldest = Math.min(...events.map(timeOf));
  if (oldest < from - NEEDED_BEFORE) return parseEvents(events);
  // A page may be empty although more pages follow.
  throw new DependencyUnavailable(
    Number.isFinite(oldest)
      ? `CloudTrail has more than ${events.length} changes since ${new Date(oldest).toISOString()}, and earlier ones were not read`
      : `CloudTrail returned ${plural(read, 'page')} without changes, and the rest was not read`,
  );
}

const parseEvents = (events: readonly Event[]): CloudTrailEvent[] => z.array(CloudTrailEvent).parse(toCliJson(events));

const timeOf = ({ EventTime }: Event): number => EventTime?.getTime() ?? Number.POSITIVE_INFINITY;
