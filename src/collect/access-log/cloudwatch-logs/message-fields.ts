/**
 * Commands of Logs Insights QL that take fields out of the messages of an access log, by regular expressions: whether
 * AWS discovers fields, and as which types, is not documented for vended logs. Pure.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html
 */
import type { VendedDelivery } from '../deliveries.ts';
import { VENDED_FIELDS } from '../vended/record-line.ts';
import type { LogGroup } from './insights.ts';

type MessageForm = Pick<VendedDelivery, 'format' | 'fields' | 'delimiter'>;

type Field = (typeof VENDED_FIELDS)[number];

/** Takes a field into a name; `beginning` is what is taken of its value, all of it if absent. */
export type FieldParser = (field: Field, name: string, beginning?: string) => string;

/** Null if the messages have a form that a query cannot take apart. */
export function fieldParser({ format, fields, delimiter }: MessageForm): FieldParser | null {
  if (format !== 'plain') return jsonField;
  const order = fields.length > 0 ? fields : VENDED_FIELDS;
  if (delimiter !== null && delimiter !== ' ') return delimitedField(order, delimiter);
  return order.join() === VENDED_FIELDS.join() ? spacedField : null;
}

const parse = (pattern: string): string => `parse @message /${pattern.replaceAll('/', '\\/')}/`;

/** A quote within a value is escaped: no client can write a key. */
const jsonField: FieldParser = (field, name, beginning = '[^",}]*') =>
  parse(`"${field}" *: *"?(?<${name}>${beginning})`);

function delimitedField(order: readonly string[], delimiter: string): FieldParser {
  const own = delimiter.replace(/[\\^$.*+?()[\]{}|-]/g, String.raw`\$&`).replace('\t', String.raw`\t`);
  return (field, name, beginning = `[^${own}]*`) =>
    parse(`^(?:[^${own}]*${own}){${order.indexOf(field)}}"?(?<${name}>${beginning})`);
}

/** Fields in front of the request line have no space in them; those behind it are known by their form. */
const spacedField: FieldParser = (field, name, beginning = '[^ ]+') => {
  if (field === 'target_group_arn') return parse(`^.* (?<${name}>arn:[^ "]+:targetgroup/[^ "]+) "?(?:Root=|Self=|-)`);
  if (field === 'ip_address') return parse(` "?(?<${name}>[0-9a-fA-F.:]+)"?$`);
  return parse(`^(?:[^ ]+ ){${VENDED_FIELDS.indexOf(field)}}(?<${name}>${beginning})`);
};

/** Commands that leave the messages of one load balancer. */
export const ownMessages = ({ loadBalancer }: LogGroup, take: FieldParser): string[] =>
  loadBalancer === null
    ? ['fields @message']
    : [
        'fields @message',
        `filter @message like "${loadBalancer}"`,
        take('elb', 'elb'),
        `filter elb = "${loadBalancer}"`,
      ];

/** A pattern of the statuses from 0 to 599 that are wanted, as three digits. */
export function statusPattern(isWanted: (status: number) => boolean): string {
  const classes = Array.from({ length: 6 }, (_, hundreds) => {
    const wanted = Array.from({ length: 100 }, (_, rest) => 100 * hundreds + rest).filter(isWanted);
    return wanted.length === 100 ? [`${hundreds}[0-9][0-9]`] : wanted.map((status) => String(status).padStart(3, '0'));
  });
  return `^(?:${classes.flat().join('|')})$`;
}
