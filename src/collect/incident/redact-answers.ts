/** Redacts AWS's answers: removes secrets and people's addresses. Pure. */
import { isIP } from 'node:net';
import type { CloudTrailEvent, FunctionConfiguration, Rule } from '../../evidence/aws.ts';
import { isRecord } from '../../format/is-record.ts';
import type { Pseudonym } from './redact.ts';

/** A function's settings, with the values of its environment variables withheld. */
export function redactFunction(configuration: FunctionConfiguration): FunctionConfiguration {
  const { Environment: environment } = configuration;
  if (!isRecord(environment) || !isRecord(environment.Variables)) return configuration;
  const names = Object.keys(environment.Variables);
  return { ...configuration, Environment: { Variables: Object.fromEntries(names.map((name) => [name, 'withheld'])) } };
}

/** Conditions that may contain a secret known only to a CDN or a partner. */
const SECRET_CONDITIONS = ['HttpHeaderConfig', 'QueryStringConfig'];

/** A rule without the header and query-string values that it compares. */
export function redactRule(rule: Rule): Rule {
  const { Conditions: conditions } = rule;
  if (!Array.isArray(conditions)) return rule;
  const withoutValues = (condition: unknown): unknown => {
    if (!isRecord(condition) || !SECRET_CONDITIONS.some((name) => name in condition)) return condition;
    const { Values: _, RegexValues: __, ...rest } = condition;
    for (const name of SECRET_CONDITIONS)
      if (name in rest) rest[name] = { ...headerName(rest[name]), Values: ['withheld'] };
    return rest;
  };
  return { ...rule, Conditions: conditions.map(withoutValues) };
}

const headerName = (config: unknown): Record<string, unknown> =>
  isRecord(config) && typeof config.HttpHeaderName === 'string' ? { HttpHeaderName: config.HttpHeaderName } : {};

/**
 * A CloudTrail event with its source address replaced and its access key id removed. Drops details that are not JSON.
 */
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
  if (!isRecord(value)) return value;
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
