/**
 * Commands of Logs Insights QL that extract fields from the messages of an access log by regular expressions, because
 * AWS does not document which fields it discovers in vended logs, and as which types. Pure.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
 */
import type { VendedDelivery } from '../deliveries.ts';
import { VENDED_FIELDS } from '../vended/record-line.ts';
import type { LogGroup } from './insights.ts';

type MessageForm = Pick<VendedDelivery, 'format' | 'fields' | 'delimiter'>;

type Field = (typeof VENDED_FIELDS)[number];

/** Extracts a field into a name. `beginning`: a pattern for the part of the value to extract; absent for all of it. */
export type FieldParser = (field: Field, name: string, beginning?: string) => string;

/** Null if a query cannot extract fields from messages of this form. */
export function fieldParser({ format, fields, delimiter }: MessageForm): FieldParser | null {
  if (format !== 'plain') return jsonField;
  const order = fields.length > 0 ? fields : VENDED_FIELDS;
  if (delimiter !== null && delimiter !== ' ') return delimitedField(order, delimiter);
  return order.join() === VENDED_FIELDS.join() ? spacedField : null;
}

const parse = (pattern: string): string => `parse @message /${pattern.replaceAll('/', '\\/')}/`;

/** JSON escapes a quote within a value, so no client can write a key. */
const jsonField: FieldParser = (field, name, beginning = '[^",}]*') =>
  parse(`"${field}" *: *"?(?<${name}>${beginning})`);

function delimitedField(order: readonly string[], delimiter: string): FieldParser {
  const own = delimiter.replace(/[\\^$.*+?()[\]{}|-]/g, String.raw`\$&`).replace('\t', String.raw`\t`);
  return (field, name, beginning = `[^${own}]*`) =>
    parse(`^(?:[^${own}]*${own}){${order.indexOf(field)}}"?(?<${name}>${beginning})`);
}

/** Fields before the request line contain no space; fields after it are recognised by their form. */
const spacedField: FieldParser = (field, name, beginning = '[^ ]+') => {
  if (field === 'target_group_arn') return parse(`^.* (?<${name}>arn:[^ "]+:targetgroup/[^ "]+) "?(?:Root=|Self=|-)`);
  if (field === 'ip_address') return parse(` "?(?<${name}>[0-9a-fA-F.:]+)"?$`);
  return parse(`^(?:[^ ]+ ){${VENDED_FIELDS.indexOf(field)}}(?<${name}>${beginning})`);
};

/** Commands that keep only the messages of one load balancer. */
export const ownMessages = ({ loadBalancer }: LogGroup, take: FieldParser): string[] =>
  loadBalancer === null
    ? ['fields @message']
    : [
        'fields @message',
        `filter @message like "${loadBalancer}"`,
        take('elb', 'elb'),
        `filter elb = "${loadBalancer}"`,
      ];

/** A pattern of the wanted statuses from 0 to 599, as three digits. */
export function statusPattern(isWanted: (status: number) => boolean): string {
  const classes = Array.from({ length: 6 }, (_, hundreds) => {
    const wanted = Array.from({ length: 100 }, (_, rest) => 100 * hundreds + rest).filter(isWanted);
    return wanted.length === 100 ? [`${hundreds}[0-9][0-9]`] : wanted.map((status) => String(status).padStart(3, '0'));
  });
  return `^(?:${classes.flat().join('|')})$`;
}
