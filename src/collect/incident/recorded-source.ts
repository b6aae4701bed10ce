/**
 * Checks the commands and queries recorded in a folder. A stranger may have written them and a reader may paste them,
 * so only commands that alb502 itself prints and that only read are accepted. Pure.
 */

/** A word as `quote` writes it: not an option, not a file that the AWS CLI would read. */
const WORD = String.raw`(?!-|fileb?:)(?:[\w@%+:,./=-]|'[^'\p{Cc}\p{Cf}]*'|\\')+`;
const OPTIONS = [
  'auto-scaling-group-name bucket cluster container-instances deployment-ids dimensions end-time exclude filter-pattern filters',
  'function-name include limit listener-arn load-balancer-arn log-group-name lookup-attributes metric-name name names namespace',
  'period prefix prefix-list-id query-string resource-arn services start-time statistics target-group-arn',
  'task-definition tasks',
]
  .join(' ')
  .replaceAll(' ', '|');
const OPTION = `--(?:resource-arns(?: ${WORD})+|(?:${OPTIONS}) ${WORD})`;
/** Calls that only read. */
const CALLS = [
  '(?:s3api|logs|elbv2|athena|glue|autoscaling|cloudfront|cloudwatch|ec2|ecs) (?:describe|filter|get|list|start-query)',
  'lambda get-(?:alias|function-configuration)',
  'deploy batch-get-deployments',
  'cloudtrail lookup-events',
].join('|');
const LOOK = `aws (?:${CALLS})(?:-[a-z0-9-]+)?(?: ${OPTION})*`;
const COPY = `aws s3 cp s3://${WORD} logs --recursive(?: ${OPTION})*`;
const SEARCH = String.raw`find logs -name '\*\.log\*' -exec zcat -f \{\} \+ \| awk '\$3 ~ "/[\w./-]*/" && \([\d$&|=<> !()]*\)'`;
const COMMAND = new RegExp(`^(?:(?:${COPY} && )*${SEARCH}|${LOOK})$`, 'u');
/** A single statement that changes nothing. */
const QUERY = /^(?:SELECT|WITH) [^;\p{Cf}]*$/u;

const AGAIN = new RegExp(
  `^alb502 diagnose (?:${WORD} from ${WORD} to ${WORD}(?: ${WORD})*|--from '<incident>') --look-back [0-9]+[smhd]$`,
  'u',
);

/** Returns the command or query; null for any other text. */
export const readSource = (text: string): string | null => (COMMAND.test(text) || QUERY.test(text) ? text : null);

/** Returns the command for a diagnosis with a longer look-back; null for any other text. */
export const readLookBackCommand = (text: string): string | null => (AGAIN.test(text) ? text : null);
