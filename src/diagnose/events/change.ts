/**
 * Finds changes: a rare call on a resource of the failing requests, followed within a minute by errors that it can
 * cause.
 */

import type { Question } from '../../evidence/question.ts';
import { list, plural, secondsBetween } from '../../format/wording.ts';
import type { BreakingCall } from '../breaking-call.ts';
import { type CauseId, causes } from '../causes/index.ts';
import type { NonEmpty } from '../judgement.ts';
import { splitTarget } from '../network-path/addresses.ts';
import { type Mutation, mutations } from '../patterns/configuration-changes.ts';
import type { SignatureId } from '../signature.ts';
import { targetName } from '../targets/target-name.ts';
import { splitByStage } from '../targets/tls.ts';
import { countErrors, groupBy, type SampledError, type Traffic, targetGroupName } from '../traffic.ts';
import { rareAmong } from './calls.ts';
import type { EventCall, EventEvidence } from './event.ts';
import { callText, errorsText } from './event-sentences.ts';
import type { IncidentEvent } from './incident-event.ts';
import { revertOf } from './revert.ts';

/** A call, and what it can begin. */
interface Effect extends BreakingCall {
  signatures: NonEmpty<SignatureId>;
  causes: readonly CauseId[];
}

/** The calls of all causes; causes that declare the same call with the same outcome share one. */
const EFFECTS: readonly Effect[] = [
  ...Map.groupBy(
    causes.flatMap(({ id, signatures, breakingCalls = [] }) =>
      breakingCalls.map((call) => ({ signatures, ...call, cause: id })),
    ),
    ({ name, asked, outcome }) => `${name} ${asked} ${outcome}`,
  ).values(),
].flatMap(([first, ...others]) =>
  first === undefined ? [] : [{ ...first, causes: [first, ...others].map(({ cause }) => cause) }],
);

/**
 * Largest delay from the call to the first error, milliseconds; nodes may learn of a change after CloudTrail's second.
 */
const WITHIN_MS = 60_000;
const EARLIER_MS = 1_000;
/** Maximum error rate before the call, as a share of the rate after it. */
export const OUTSIDE_AT_MOST = 0.2;
const ERRORS_NEEDED = 3;

/** Returns changes among errors that belong to no other event; most errors first. */
export function changeEvents(
  traffic: Traffic,
  evidence: EventEvidence,
  taken: ReadonlySet<SampledError>,
  question: Question,
): IncidentEvent[] {
  const loadBalancer = question.loadBalancer.name;
  const all = mutations(evidence.changes ?? []);
  const isRare = rareAmong(all);
  const left = new Set(traffic.errors.filter((error) => !taken.has(error)));
  const events: IncidentEvent[] = [];
  const found = all.flatMap((call) =>
    EFFECTS.filter((effect) => effect.name.test(call.name) && (effect.asked?.test(call.text) ?? true)).flatMap(
      (effect) => {
        const own = [...left].filter(({ signature }) => effect.signatures.includes(signature));
        const errors = errorsAfter(
          call,
          effect.isTls ? handshakesAmong(own, traffic, evidence, question) : own,
          traffic,
        );
        const isTied = errors.length > 0 && changedThing(call, errors, evidence, loadBalancer) !== null;
        return isTied && isRare(call, WITHIN_MS) ? [{ call, effect, errors }] : [];
      },
    ),
  );
  for (const { call, effect, errors } of found.sort(
    (a, b) => b.errors.length - a.errors.length || b.call.at - a.call.at || (a.call.name < b.call.name ? -1 : 1),
  )) {
    const own = errors.filter((error) => left.has(error));
    if (own.length < errors.length) continue;
    for (const error of own) left.delete(error);
    events.push(changeEvent({ call, effect, errors: own }, all, evidence, { traffic, loadBalancer }));
  }
  return events;
}

/** Returns the errors that the metrics count as failed TLS handshakes. */
function handshakesAmong(
  errors: readonly SampledError[],
  traffic: Traffic,
  evidence: EventEvidence,
  question: Question,
): SampledError[] {
  const parts = [...groupBy(errors, ({ target_group_arn }) => target_group_arn)].map(([target_group_arn, own]) => ({
    target_group_arn,
    errors: own,
  }));
  return splitByStage(parts, { ...evidence, traffic }, question).flatMap((part) =>
    part.tls.tlsErrors === true ? part.errors : [],
  );
}

/** Returns those of the errors that come after the call; empty unless they begin with it. */
function errorsAfter(call: Mutation, own: readonly SampledError[], traffic: Traffic): SampledError[] {
  const after = own.filter((error) => beganAt(error) >= call.at - EARLIER_MS);
  const before = countErrors(own) - countErrors(after);
  const first = after.reduce((least, error) => Math.min(least, beganAt(error)), Number.POSITIVE_INFINITY);
  const last = after.reduce((most, { at }) => Math.max(most, at), 0);
  const readBefore = call.at - (traffic.log.oldest ?? call.at);
  // Without earlier traffic, nothing shows that the errors began with the call.
  if (after.length < ERRORS_NEEDED || first > call.at + WITHIN_MS || readBefore < WITHIN_MS) return [];
  const expected = (before / readBefore) * (last - call.at);
  return expected <= OUTSIDE_AT_MOST * countErrors(after) ? after : [];
}

/** When the request was sent or first tried; if it was never sent, when it ended. */
export const beganAt = ({ at, elapsed }: SampledError): number => at - (elapsed ?? 0) * 1000;

/** What the call changed; null unless these requests depend on it. */
export function changedThing(
  call: Mutation,
  errors: readonly SampledError[],
  evidence: EventEvidence,
  loadBalancer: string,
): string | null {
  const isOwn = call.text.includes(`app/${loadBalancer}/`);
  // A listener is the load balancer's, whichever target groups the call names.
  if (isOwn && /Listener|Rule/.test(call.name)) return loadBalancer;
  const arns = [...new Set(errors.map(({ target_group_arn }) => target_group_arn))].sort();
  const group = arns.find((arn) => arn !== '-' && call.text.includes(arn.split(':').at(-1) ?? arn));
  if (group !== undefined) return targetGroupName(group);
  if (isOwn) return loadBalancer;
  const ids = [...securityGroupsOf(errors, evidence), ...(evidence.networkAcls ?? []).map((acl) => acl.NetworkAclId)];
  // A rule names the other group too; the call's own parameter is the group that changed.
  const named =
    ids.find((id) => call.parameters.groupId === id || call.parameters.networkAclId === id) ??
    ids.sort().find((id) => call.text.includes(`"${id}"`));
  if (named !== undefined) return named;
  const functions = Object.values(evidence.functions ?? {}).flatMap(({ FunctionName }) => FunctionName ?? []);
  return functions.sort().find((name) => call.text.includes(`"${name}"`)) ?? null;
}

function securityGroupsOf(errors: readonly SampledError[], evidence: EventEvidence): string[] {
  const addresses = new Set(errors.map(({ target }) => splitTarget(target)?.address));
  const interfaces = (evidence.networkInterfaces ?? []).filter((each) => addresses.has(each.PrivateIpAddress));
  const instances = (evidence.instances ?? []).filter((each) => addresses.has(each.PrivateIpAddress));
  return [
    ...(evidence.loadBalancer?.SecurityGroups ?? []),
    ...interfaces.flatMap(({ Groups }) => Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
    ...instances.flatMap(({ SecurityGroups }) => SecurityGroups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
  ];
}

/** A connection attempt from before the revert may end 10 s after it; CloudTrail records whole seconds. */
const LAST_EFFECT_MS = 12_000;

function changeEvent(
  { call, effect, errors }: { call: Mutation; effect: Effect; errors: SampledError[] },
  all: readonly Mutation[],
  evidence: EventEvidence,
  { traffic, loadBalancer }: { traffic: Traffic; loadBalancer: string },
): IncidentEvent {
  const first = errors.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
  const last = errors.reduce((most, { at }) => Math.max(most, at), 0);
  const thing = changedThing(call, errors, evidence, loadBalancer) ?? loadBalancer;
  const { undoing, command } = revertOf(call, all);
  const ended = undoing !== null && undoing.at > call.at && last <= undoing.at + LAST_EFFECT_MS;
  const eventCall: EventCall = {
    ...{ name: call.name, at: call.at, user: call.user },
    secondsBefore: secondsBetween(call.at, first),
    revert: ended ? null : command,
  };
  const targets = [...new Set(errors.map(({ target }) => target))].filter((target) => target !== '-').sort();
  const named = targets.map((target) => targetName(target, traffic.owners.at(target, first)));
  const on = targets.length > 0 ? ` (${targets.length <= 3 ? list(named) : plural(targets.length, 'target')})` : '';
  const undone = ended ? `, until ${callText({ ...eventCall, ...undoing })}` : '';
  return {
    kind: 'change',
    standing: ended ? 'confirmed' : 'likely',
    from: Math.min(...errors.map(beganAt)),
    to: ended ? last : null,
    targets,
    errors,
    causes: [...effect.causes],
    summary: `${callText(eventCall)} ${effect.verb ?? 'changed'} ${thing}; ${eventCall.secondsBefore} s later, ${effect.outcome}${on}${undone}. ${errorsText(errors)}`,
    calls: [eventCall],
    reason: null,
  };
}
