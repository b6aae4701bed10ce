/**
 * Commands and queries that a folder says it was made with. Whoever made the folder wrote them, and a reader may paste them, so only
 * what alb502 itself prints, and what reads alone, is taken. Pure.
 */

/** As `quote` writes one: no option, no file for the AWS CLI to read. */
const WORD = String.raw`(?!-|fileb?:)(?:[\w@%+:,./=-]|'[^'\p{Cc}\p{Cf}]*'|\\')+`;
const OPTIONS =
  'bucket end-time exclude filter-pattern include limit load-balancer-arn log-group-name names prefix query-string resource-arn start-time'
    .split(' ')
    .join('|');
const OPTION = `--(?:${OPTIONS}) ${WORD}`;
const LOOK = String.raw`aws (?:s3api|logs|elbv2|athena|glue) (?:describe|filter|get|list|start-query)(?:-[a-z0-9-]+)?(?: ${OPTION})*`;
const COPY = `aws s3 cp s3://${WORD} logs --recursive(?: ${OPTION})*`;
const SEARCH = String.raw`find logs -name '\*\.log\*' -exec zcat -f \{\} \+ \| awk '\$3 ~ "/[\w./-]*/" && \([\d$&|=<> !()]*\)'`;
const COMMAND = new RegExp(`^(?:(?:${COPY} && )*${SEARCH}|${LOOK})$`, 'u');
/** One statement, which changes nothing. */
const QUERY = /^(?:SELECT|WITH) [^;\p{Cf}]*$/u;

const AGAIN = new RegExp(
  `^alb502 diagnose (?:${WORD} from ${WORD} to ${WORD}(?: ${WORD})*|--from '<incident>') --look-back [0-9]+[smhd]$`,
  'u',
);

/** The command or query; null for any other text. */
export const readSource = (text: string): string | null => (COMMAND.test(text) || QUERY.test(text) ? text : null);

/** The command that diagnoses with a longer look back; null for any other text. */
export const readLookBackCommand = (text: string): string | null => (AGAIN.test(text) ? text : null);
