/** What AWS answered, without secrets and without addresses of people. Pure. */
import { isIP } from 'node:net';
import type { CloudTrailEvent, FunctionConfiguration } from '../../evidence/aws.ts';
import type { Pseudonym } from './redact.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** The settings of a function, with the values of its environment variables withheld. */
export function redactFunction(configuration: FunctionConfiguration): FunctionConfiguration {
  const { Environment: environment } = configuration;
  if (!isObject(environment) || !isObject(environment.Variables)) return configuration;
  const names = Object.keys(environment.Variables);
  return { ...configuration, Environment: { Variables: Object.fromEntries(names.map((name) => [name, 'withheld'])) } };
}

/** A CloudTrail event with the address it came from replaced and without the id of the access key. What is not JSON is left out. */
export function redactEvent(event: CloudTrailEvent, pseudonym: Pseudonym): CloudTrailEvent {
  const { AccessKeyId: _, CloudTrailEvent: detail, ...withoutSecrets } = event;
  if (detail === undefined) return withoutSecrets;
  const parsed = parseJsonOrNull(detail);
  return parsed === null
    ? withoutSecrets
    : { ...withoutSecrets, CloudTrailEvent: JSON.stringify(redactDetail(parsed, pseudonym)) };
}

function redactDetail(value: unknown, pseudonym: Pseudonym): unknown {
  if (Array.isArray(value)) return value.map((item) => redactDetail(item, pseudonym));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'accessKeyId')
      .map(([name, member]) => [
        name,
        name === 'sourceIPAddress' && typeof member === 'string' && isIP(member) !== 0
          ? pseudonym(member)
          : redactDetail(member, pseudonym),
      ]),
  );
}

function parseJsonOrNull(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
