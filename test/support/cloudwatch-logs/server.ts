/** CloudWatch Logs on 127.0.0.1, with refusals where a test wants them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { DeliveriesOfAccount } from './deliveries.ts';

export interface LogsOfAccount extends Partial<DeliveriesOfAccount> {
  /** An operation that is denied. */
  denied?: string;
}

export interface LocalLogs {
  endpoint: string;
  /** Operations in the order they came. */
  asked: string[];
}

const PAGE = 2;

/** Serves until the test is over. */
export async function serveLogs(account: LogsOfAccount): Promise<LocalLogs> {
  const asked: string[] = [];
  const lists: Record<string, [string, readonly unknown[]]> = {
    DescribeDeliverySources: ['deliverySources', account.sources ?? []],
    DescribeDeliveries: ['deliveries', account.deliveries ?? []],
    DescribeDeliveryDestinations: ['deliveryDestinations', account.destinations ?? []],
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    const input: { nextToken?: string } = JSON.parse(Buffer.concat(chunks).toString() || '{}');
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    asked.push(operation);
    response.setHeader('Content-Type', 'application/x-amz-json-1.1');
    if (operation === account.denied) {
      const message = `User: x is not authorized to perform: logs:${operation} on resource: arn:aws:logs:eu-west-1:123456789012:delivery:* because no policy allows it`;
      response.writeHead(400).end(JSON.stringify({ __type: 'AccessDeniedException', message }));
      return;
    }
    const [name = '', items = []] = lists[operation] ?? [];
    const from = Number(input.nextToken ?? 0);
    const more = from + PAGE < items.length ? { nextToken: String(from + PAGE) } : {};
    response.end(JSON.stringify({ [name]: items.slice(from, from + PAGE), ...more }));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, asked };
}
