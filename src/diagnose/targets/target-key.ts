/** Text that identifies a target in its target group, for groups and look-ups. Not for people. */

interface TargetInGroup {
  target_group_arn: string;
  /** "address:port" as logged. */
  target: string;
}

/** Keys by ARN and target. */
const known = new Map<string, Map<string, string>>();
let count = 0;
/** A bot runs for months, and targets come and go. */
const MOST = 50_000;

/** The same string for the same target: its hash is computed once, while a long outage has tens of thousands of errors. */
export function targetKey({ target_group_arn, target }: TargetInGroup): string {
  const ofGroup = known.get(target_group_arn);
  const key = ofGroup?.get(target);
  if (ofGroup !== undefined && key !== undefined) return key;
  if (count === MOST) forget();
  count += 1;
  const made = `${target_group_arn} ${target}`;
  known.set(target_group_arn, (known.get(target_group_arn) ?? new Map<string, string>()).set(target, made));
  return made;
}

function forget(): void {
  known.clear();
  count = 0;
}
