/** Reads the addresses from which CloudFront reaches origins, from AWS's managed prefix lists. */
import { DescribeManagedPrefixListsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { type Call, callAws } from '../aws/call.ts';
import { fetchPrefixLists } from '../aws/ec2-network.ts';
import { type EdgePart, edgeLimitation } from './edge-part.ts';

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html */
const NAMES = ['com.amazonaws.global.cloudfront.origin-facing', 'com.amazonaws.global.ipv6.cloudfront.origin-facing'];

/** Returns the ranges, sorted. */
export async function fetchEdgeRanges({ session }: Call): Promise<EdgePart<string[]>> {
  const lists = await callAws(
    session,
    'ec2:DescribeManagedPrefixLists',
    () => undefined,
    async (call) => {
      const Filters = [{ Name: 'prefix-list-name', Values: NAMES }];
      const answer = await session
        .client(EC2Client)
        .send(new DescribeManagedPrefixListsCommand({ Filters }), call.options);
      return (answer.PrefixLists ?? []).flatMap(({ PrefixListId }) => PrefixListId ?? []);
    },
  );
  const entries =
    'value' in lists
      ? await callAws(
          session,
          'ec2:GetManagedPrefixListEntries',
          () => undefined,
          (call) => fetchPrefixLists(call, lists.value),
        )
      : lists;
  if ('value' in entries) {
    const ranges = Object.values(entries.value).flatMap((list) => list.map(({ Cidr }) => Cidr));
    return { value: [...new Set(ranges)].sort(), limitations: [] };
  }
  const sentence = `Could not check which clients are CloudFront: ${entries.reason}.`;
  return { value: [], limitations: [edgeLimitation('ranges', sentence, entries)] };
}
