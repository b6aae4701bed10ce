import type { NonEmpty } from './judgement.ts';
import type { SignatureId } from './signature.ts';

/** A call in AWS that can bring a cause about, if errors of the cause begin within a minute of it. */
export interface BreakingCall {
  name: RegExp;
  /** Text that the call's request must contain; absent if every such call counts. */
  asked?: RegExp;
  /** The errors that it can begin, if not all that the cause can claim. */
  signatures?: NonEmpty<SignatureId>;
  /** Only connections that the metrics count as failed TLS handshakes. */
  isTls?: true;
  /** What the call did to the resource; "changed" if absent. */
  verb?: string;
  /** The effect in words, for the sentence. Causes with the same call and effect share an event. */
  outcome: string;
}

export const IDLE_TIMEOUT_CHANGED: BreakingCall = {
  name: /^ModifyLoadBalancerAttributes$/,
  asked: /idle_timeout\.timeout_seconds/,
  signatures: ['idle-timeout'],
  outcome: 'requests ran into the idle timeout',
};

export const FUNCTION_CHANGED: BreakingCall = {
  name: /^(UpdateFunctionCode|UpdateFunctionConfiguration|UpdateAlias|PutFunctionConcurrency|PublishVersion)/,
  outcome: 'the function failed',
};
